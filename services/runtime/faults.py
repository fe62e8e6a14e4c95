"""Errors on the wire and back: the one place where `services.errors` meets gRPC statuses and `google.rpc` details.

| error | code | details besides ErrorInfo |
|---|---|---|
| InvalidInput, InvalidPicture | INVALID_ARGUMENT | BadRequest |
| NotFound | NOT_FOUND | ResourceInfo |
| Conflict | ALREADY_EXISTS | |
| SpaceMismatch, Refused | FAILED_PRECONDITION | PreconditionFailure |
| NotReady | UNAVAILABLE | RetryInfo |
| Overloaded | RESOURCE_EXHAUSTED | RetryInfo |
| TooLate | DEADLINE_EXCEEDED | |
| NotImplementedYet | UNIMPLEMENTED | |
| Internal, and whatever is not of the family | INTERNAL | an id that the log line has, too |
"""

from __future__ import annotations
