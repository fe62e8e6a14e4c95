"""Where the four services are, and one channel to each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc

from visrec.errors import VisrecCallError
from visrec.targets import FORMS, is_target
from visrec.v1.embedder_pb2_grpc import EmbedderServiceStub
from visrec.v1.indexer_pb2_grpc import IndexerServiceStub
from visrec.v1.profile_pb2_grpc import ProfileServiceStub
from visrec.v1.ranker_pb2_grpc import RankerServiceStub

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""Largest answer that is read: the services' own default limit."""

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


_NEAR = 0.9
"""Share of letters in common from which on a variable is taken for a slip in one of ours (difflib's ratio, 0 to 1)."""


class WrongConnection(ValueError):
    """What tells where the services are, or how to speak to them, is wrong."""


@dataclass(frozen=True)
class Tls:
    """Files of an encrypted connection, PEM: the authorities to trust, and a certificate to show where callers must."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files. Raises OSError, naming the file, when one cannot be read, and WrongConnection when it does
        not hold what it should."""
        return grpc.ssl_channel_credentials(
            root_certificates=_pem(self.ca, "CERTIFICATE"),
            private_key=_pem(self.key, "PRIVATE KEY") if self.key else None,
            certificate_chain=_pem(self.cert, "CERTIFICATE") if self.cert else None,
        )


def _pem(path: Path, what: str) -> bytes:
    """gRPC itself says of another file only that nobody could be reached."""
    data = path.read_bytes()
    if not re.search(rb"-----BEGIN [A-Z0-9 ]*" + what.encode(), data):
        raise WrongConnection(f"{path} holds no PEM {what.lower()}")
    return data


@dataclass(frozen=True)
class Targets:
    """gRPC targets of the services, and how to speak to them. The defaults are those of `python -m services all`."""

    embedder: str = "127.0.0.1:50051"
    indexer: str = "127.0.0.1:50052"
    profile: str = "127.0.0.1:50053"
    ranker: str = "127.0.0.1:50054"
    tls: Tls | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Targets:
        """VISREC_EMBEDDER_TARGET, …_INDEXER_…, …_PROFILE_… and …_RANKER_…; encrypted when VISREC_CHANNEL_CA is there,
        with VISREC_CHANNEL_CERT and VISREC_CHANNEL_KEY. The services read the same variables. Raises WrongConnection
        for one that is almost named so, and for a target that is none."""
        _require_no_slips(environment)
        given = {
            each.name: target
            for each in fields(cls)
            if each.name != "tls" and (target := environment.get(f"VISREC_{each.name.upper()}_TARGET"))
        }
        for name, target in given.items():
            if not is_target(target):
                raise WrongConnection(f"VISREC_{name.upper()}_TARGET: {FORMS}, not {target!r}")
        files = {
            name: Path(path)
            for name in (each.name for each in fields(Tls))
            if (path := environment.get(f"VISREC_CHANNEL_{name.upper()}"))
        }
        return cls(**given, tls=Tls(**files) if "ca" in files else None)


VARIABLES = (
    *(f"VISREC_{each.name.upper()}_TARGET" for each in fields(Targets) if each.name != "tls"),
    *(f"VISREC_CHANNEL_{each.name.upper()}" for each in fields(Tls)),
)
"""What `Targets.from_environment` reads."""


def _require_no_slips(environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if value and name.startswith("VISREC_") and name not in VARIABLES:
            for meant in get_close_matches(name, VARIABLES, n=1, cutoff=_NEAR):
                raise WrongConnection(f"{name}: there is no such variable; did you mean {meant}?")


@dataclass
class Connection:
    """The stubs of the four services. Channels connect when they are first used; `close` ends calls still running."""

    targets: Targets
    timeout_s: float = 10.0
    _channels: list[grpc.Channel] = field(default_factory=list, init=False)
    _service_of: dict[object, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        to = self.targets
        self.embedder = EmbedderServiceStub(self._channel(to.embedder))
        self.indexer = IndexerServiceStub(self._channel(to.indexer))
        self.profile = ProfileServiceStub(self._channel(to.profile))
        self.ranker = RankerServiceStub(self._channel(to.ranker))
        stubs = {"embedder": self.embedder, "indexer": self.indexer, "profile": self.profile, "ranker": self.ranker}
        self._service_of = {method: name for name, stub in stubs.items() for method in vars(stub).values()}

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        timeout_s: float | None = None,
    ) -> ResponseT:
        """One answer within `timeout_s` seconds (None: those of the connection). Raises VisrecCallError."""
        try:
            return method(request, timeout=timeout_s or self.timeout_s)
        except grpc.RpcError as error:
            service = self._service_of.get(method, "")
            raise VisrecCallError.from_rpc(error, service, getattr(self.targets, service, "")) from error

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _channel(self, target: str) -> grpc.Channel:
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.service_config", _SERVICE_CONFIG),
        ]
        tls = self.targets.tls
        channel = (
            grpc.secure_channel(target, tls.credentials(), options) if tls else grpc.insecure_channel(target, options)
        )
        self._channels.append(channel)
        return channel


def _methods(service: str, *names: str) -> list[dict[str, str]]:
    return [{"service": f"visrec.v1.{service}", "method": name} for name in names]


# Only what acts once however often it is sent is sent again: reads, and writes that carry ids of their own.
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [
                    *_methods("EmbedderService", "GetModel", "EmbedImage"),
                    *_methods(
                        "IndexerService", "ListCatalogues", "IngestItems", "GetItem", "BatchGetItems", "ListItems"
                    ),
                    *_methods("IndexerService", "Search", "ListSpaces", "GetStats"),
                    *_methods("ProfileService", "GetUser", "ListUsers", "RecordEvents", "GetTaste", "GetPopularItems"),
                    *_methods(
                        "ProfileService", "GetTastes", "ListSegments", "ExportFeatures", "PutSegments", "RebuildTastes"
                    ),
                    *_methods("RankerService", "Recommend", "NextPage", "GetRecommendation", "Explain", "GetScenes"),
                ],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 3,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
    }
)
