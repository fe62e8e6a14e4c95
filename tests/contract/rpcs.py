"""Every RPC of the contract, read off its descriptors and its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor import MethodDescriptor

from visrec.v1 import embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2

PROTOS = Path(__file__).resolve().parents[2] / "protos" / "visrec" / "v1"

LATER = "UNIMPLEMENTED in this version"
"""How the comment of an RPC says that this version does not have it."""

FILES = {"embedder": embedder_pb2, "indexer": indexer_pb2, "profile": profile_pb2, "ranker": ranker_pb2}


@dataclass(frozen=True)
class Rpc:
    """An RPC of one service. `later`: its comment says that this version does not have it."""

    service: str
    method: MethodDescriptor
    later: bool

    @property
    def path(self) -> str:
        """As gRPC writes it."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"


def rpcs() -> Iterator[Rpc]:
    """All of them, in the order of the sources."""
    for service, module in FILES.items():
        comments = _comments((PROTOS / f"{service}.proto").read_text(encoding="utf-8"))
        (descriptor,) = module.DESCRIPTOR.services_by_name.values()
        for method in descriptor.methods:
            yield Rpc(service, method, LATER in comments[method.name])


def _comments(source: str) -> dict[str, str]:
    """RPC name to the comment above it, on one line."""
    found = re.findall(r"((?:^ *//.*\n)+) *rpc (\w+)", source, flags=re.MULTILINE)
    return {name: " ".join(line.strip(" /") for line in comment.splitlines()) for comment, name in found}
