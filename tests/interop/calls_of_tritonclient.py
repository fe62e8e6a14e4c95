"""What a user of Triton's own client does. Runs in that client's environment, and knows nothing of visrec.

    python calls_of_tritonclient.py TARGET MODEL FOLDER

The files of FOLDER are the photos, in the order of their names. Prints what came back, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

CALL_S = 30.0


def main(target: str, model: str, folder: Path) -> None:
    """Every call that the standard has."""
    photos = [path.read_bytes() for path in sorted(folder.iterdir())]
    with tritonclient.grpc.InferenceServerClient(target) as client:
        metadata = client.get_model_metadata(model, as_json=True)
        answer = infer(client, model, photos, ["vector", "features"], request_id="a name")
        told = {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready(model),
            "version_ready": client.is_model_ready(model, metadata["versions"][0]),
            "server": client.get_server_metadata(as_json=True),
            "metadata": metadata,
            "id": answer.get_response().id,
            "dtype": str(answer.as_numpy("vector").dtype),
            "vector": answer.as_numpy("vector").tolist(),
            "features": answer.as_numpy("features").tolist(),
            "by_default": infer(client, model, photos, None).as_numpy("vector").tolist(),
            "bad_photo": refusal(client, model, [*photos, b"no picture"]),
            "bad_model": refusal(client, "b0", photos),
            "fields": sorted(fields()),
        }
    json.dump(told, sys.stdout)


def infer(client: Any, model: str, photos: list[bytes], outputs: list[str] | None, **options: Any) -> Any:
    """The photos as the one input of the model."""
    photo = tritonclient.grpc.InferInput("photo", [len(photos)], "BYTES")
    photo.set_data_from_numpy(np.array(photos, dtype=np.object_))
    wanted = outputs and [tritonclient.grpc.InferRequestedOutput(name) for name in outputs]
    return client.infer(model, [photo], outputs=wanted, client_timeout=CALL_S, **options)


def refusal(client: Any, model: str, photos: list[bytes]) -> list[str]:
    """Status and message of a call that must fail."""
    try:
        infer(client, model, photos, None)
    except InferenceServerException as problem:
        return [str(problem.status()), str(problem.message())]
    return []


def fields() -> Iterator[list[Any]]:
    """Every field of the standard's messages, as this client has them on the wire."""
    service = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    standard = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
    for name in standard:
        method = service.methods_by_name[name]
        yield from fields_of(method.input_type)
        yield from fields_of(method.output_type)


def fields_of(message: Any) -> Iterator[list[Any]]:
    """Message, field, number, type, and whether there are many; those of the messages within, too."""
    for field in message.fields:
        yield [message.full_name, field.name, field.number, field.type, bool(field.is_repeated)]
        if field.message_type:
            yield from fields_of(field.message_type)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
