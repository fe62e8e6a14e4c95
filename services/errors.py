"""The one family of errors that the domain raises and the transport converts.

Domain code raises these; `services.runtime.faults` turns them into gRPC statuses with `google.rpc` details and back
again on the calling side. Every class has one status there, and a test says so.
"""

from __future__ import annotations

import re


class VisrecError(Exception):
    """Base of the family.

    `reason` is the UPPER_SNAKE word of `google.rpc.ErrorInfo`, for programs; the message is for people and says what
    to do next where there is something to do. `metadata` holds short strings only and never anything personal.
    """

    def __init__(self, message: str, *, reason: str | None = None, metadata: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or _upper_snake(type(self).__name__)
        self.metadata = metadata or {}


class InvalidInput(VisrecError):
    """The request itself is wrong; the same request will always be. `field` is its path in the request message,
    such as `queries[2].vector.data`."""

    def __init__(self, field: str, message: str, *, reason: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, reason=reason)
        self.field = field
        self.description = message


class InvalidPicture(InvalidInput):
    """The bytes are not a picture that we read: unknown format, broken, too large, of too many pixels."""


class NotFound(VisrecError):
    """A named resource (`kind` such as "item", `name` its id) does not exist, or not `within` another one. An empty
    name is one that is not told."""

    def __init__(self, kind: str, name: str, hint: str = "", *, within: str = "", reason: str | None = None) -> None:
        tail = (f" in {within}" if within else "") + (f"; {hint}" if hint else "")
        what = f"{kind} {name!r}" if name else f"the {kind} asked for"
        super().__init__(f"{what} does not exist{tail}", reason=reason or f"{_upper_snake(kind)}_NOT_FOUND")
        self.kind = kind
        self.name = name


class Conflict(VisrecError):
    """What is to be created exists already, or a `request_id` came again with another payload."""


class SpaceMismatch(VisrecError):
    """A vector of one space was given where another is needed. Vectors of two spaces are never compared. `field`: its
    path in the request message, where the request has several; empty: not told."""

    def __init__(self, expected: str, given: str, *, field: str = "") -> None:
        where = f"{field}: " if field else ""
        super().__init__(
            f"{where}space {given!r} cannot be used here: what is here is in space {expected!r}",
            metadata={"expected": expected, "given": given} | ({"field": field} if field else {}),
        )
        self.expected = expected
        self.given = given
        self.field = field


class Refused(VisrecError):
    """The request is well formed, but the state forbids it (consent not given, the catalogue is not empty)."""


class NotReady(VisrecError):
    """A service or something behind it cannot answer now; the same call may succeed later."""


class Overloaded(VisrecError):
    """A queue or a quota is full. `retry_after_ms` says when to come again."""

    def __init__(self, message: str, *, retry_after_ms: int = 100, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_ms = retry_after_ms


class TooLate(VisrecError):
    """The deadline of the request passed before the work was done, or before it was begun."""


class NotImplementedYet(VisrecError):
    """The contract names this, this version does not do it. `what` is the RPC or the field."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is part of the contract and is not implemented in this version")
        self.what = what


class Internal(VisrecError):
    """A bug on our side. The message names no data of the caller."""


def _upper_snake(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()).strip("_")
