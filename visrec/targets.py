"""What a gRPC target looks like (https://github.com/grpc/grpc/blob/master/doc/naming.md).

Callers and services ask here: gRPC itself tells of another text in lines of its own.
"""

from __future__ import annotations

import re

FORMS = "give host:port, dns:///host:port or unix:path"

_SCHEME = r"(unix|unix-abstract|vsock|dns|ipv4|ipv6|xds|google-c2p):\S+"
_ADDRESS = r"([\w.-]+|\[[\da-fA-F:.%\w]+\])(:\d{1,5})?"
_TARGET = re.compile(f"{_SCHEME}|{_ADDRESS}")


def is_target(text: str) -> bool:
    """Whether a channel can be opened to it; nobody is asked whether somebody is there."""
    return bool(_TARGET.fullmatch(text))
