"""The names of environment variables: which are settings, and which are somebody's slip. Values are read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from pydantic_settings import BaseSettings

PREFIX = "VISREC_"

OF_CALLERS = ("VISREC_CATALOGUE",)
"""What the command line and the jobs read beyond the settings of services. One environment is often shared."""

_OF_KUBERNETES = re.compile(
    r"_SERVICE_HOST$ | _SERVICE_PORT(_[A-Z0-9_]+)?$ | _PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$", re.VERBOSE
)
_LINK = re.compile(r"(tcp|udp|sctp)://")
_NEAR = 0.85
"""Share of letters in common from which on a name is taken for a slip in another one (difflib's ratio, 0 to 1)."""


def is_link(value: object) -> bool:
    """Whether Kubernetes wrote the value: a Service named visrec-profile puts VISREC_PROFILE_PORT=tcp://10.0.0.1:50053
    into every pod of its namespace that does not decline it (`enableServiceLinks: false`)."""
    return isinstance(value, str) and bool(_LINK.match(value))


def names(groups: Iterable[type[BaseSettings]]) -> list[str]:
    """The variable of every setting of the classes, in order."""
    return [
        f"{group.model_config.get('env_prefix', '')}{name}".upper() for group in groups for name in group.model_fields
    ]


def misspelt(
    environment: Mapping[str, str], groups: Iterable[type[BaseSettings]], foreign: Collection[str] = ()
) -> list[str]:
    """One line per variable with a value that begins like a setting and is none of the `groups`, by name.

    Those that begin with one of the `foreign` prefixes are settings of services that are not looked at here, and what
    Kubernetes names after Services is nobody's setting.
    """
    known = [*names(groups), *OF_CALLERS]
    unknown = [
        name
        for name, value in environment.items()
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and value
        and not name.upper().startswith(tuple(foreign))
        and not _OF_KUBERNETES.search(name.upper())
        and not is_link(value)
    ]
    return [_told(name, known) for name in sorted(unknown)]


def _told(name: str, known: list[str]) -> str:
    near = get_close_matches(name.upper(), known, n=1, cutoff=_NEAR)
    advice = f"; did you mean {near[0]}?" if near else "; `python -m services settings` lists those there are"
    return f"{name}: there is no such setting{advice}"
