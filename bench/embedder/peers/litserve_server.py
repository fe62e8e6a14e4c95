"""The work behind LitServe (github.com/Lightning-AI/LitServe), set up as its documentation does it for speed: two
workers and as many HTTP processes, the fast queue, batches of at most 8, gathered for at most 2 ms.
`python -m bench.embedder.peers.litserve_server PORT`."""
# No `from __future__ import annotations`: LitServe reads the annotations of decode_request as they are.

import sys
from typing import Annotated

from fastapi import Body, Response
from litserve import LitAPI, LitServer

from bench.embedder.peers.hand import Features, network_of_environment

WORKERS = 2
MAX_BATCH = 8
MAX_WAIT_S = 0.002


class Embed(LitAPI):  # type: ignore[misc]  # litserve is not in the environment that types are checked in
    """Bytes of a photo in, 1280 float32 out."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - there is but the CPU
        """In each worker, once."""
        self._network = network_of_environment()

    def decode_request(self, request: Annotated[bytes, Body(media_type="application/octet-stream")]) -> bytes:
        """The body as it is."""
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """Decoded together with the run, as everywhere."""
        return inputs

    def predict(self, x: list[bytes]) -> Features:
        """A batch."""
        return self._network.embed(x)

    def encode_response(self, output: Features) -> Response:
        """One row, 1280 float32."""
        return Response(output.tobytes(), media_type="application/octet-stream")


if __name__ == "__main__":
    api = Embed(max_batch_size=MAX_BATCH, batch_timeout=MAX_WAIT_S)
    server = LitServer(api, accelerator="cpu", workers_per_device=WORKERS, fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="error", generate_client_file=False)
