"""How a network is opened, in whichever process: everything it takes, as bytes that can be sent there."""

from __future__ import annotations

import json
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Final

from services.embedder.manifest import Manifest
from services.embedder.network import Network
from services.embedder.toy import ToyNetwork

CPU: Final = "CPUExecutionProvider"

_LENGTH: Final = struct.Struct("<Q")


class Plan(ABC):
    """Opens a network. `on_cpu`: its memory is that of the process."""

    on_cpu: bool = True

    @abstractmethod
    def open(self) -> Network:
        """Raises Refused when the network is not as it is described."""

    @abstractmethod
    def pack(self) -> bytes:
        """For `unpack`, in another process."""


class ToyPlan(Plan):
    """Of the toy."""

    def open(self) -> Network:
        return ToyNetwork()

    def pack(self) -> bytes:
        return b""


@dataclass(frozen=True, eq=False)
class OnnxPlan(Plan):
    """Of an ONNX graph. One run uses `threads` threads. `overflows`: see `OnnxNetwork`."""

    manifest: Manifest
    graph: bytes
    threads: int = 1
    providers: tuple[str, ...] = (CPU,)
    overflows: bool = False

    @property
    def on_cpu(self) -> bool:  # type: ignore[override]
        """No other provider has memory of its own."""
        return self.providers == (CPU,)

    def careful(self) -> OnnxPlan:
        """The same for a processor whose int8 overflows."""
        return replace(self, overflows=True)

    def open(self) -> Network:
        # Whoever only sends a plan does not load onnxruntime.
        from services.embedder.onnx_network import OnnxNetwork

        return OnnxNetwork(
            self.manifest, self.graph, threads=self.threads, providers=self.providers, overflows=self.overflows
        )

    def pack(self) -> bytes:
        options = {
            "manifest": self.manifest.model_dump_json(),
            "threads": self.threads,
            "providers": self.providers,
            "overflows": self.overflows,
        }
        head = json.dumps(options).encode()
        return _LENGTH.pack(len(head)) + head + self.graph


def unpack(data: bytes) -> Plan:
    """What `pack` wrote."""
    if not data:
        return ToyPlan()
    (length,) = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    options = json.loads(data[_LENGTH.size : end])
    manifest = Manifest.model_validate_json(options.pop("manifest"))
    return OnnxPlan(manifest, data[end:], **{**options, "providers": tuple(options["providers"])})
