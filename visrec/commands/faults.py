"""What went wrong, as one line that says what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from visrec.catalogue_files import CatalogueFileError
from visrec.connection import WrongConnection
from visrec.errors import VisrecCallError
from visrec.hints import advised
from visrec.options import as_typed
from visrec.scenes import NoScene, NoVariant

_OTHER_MODEL = "the catalogue was made with another model: create a new one and ingest its items again"

_NEXT_BY_CODE = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "`visrec --timeout SECONDS …` waits longer",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "the services are busy: try again in a moment",
    grpc.StatusCode.INTERNAL: "the service's log has the rest",
}


class InOwnWords(Exception):
    """What went wrong, as the command itself tells it."""


FORESEEN = (VisrecCallError, InOwnWords, NoScene, NoVariant, CatalogueFileError, WrongConnection, OSError)


@contextmanager
def told(words: Mapping[str, str]) -> Iterator[None]:
    """Errors of these reasons in words of the command, which knows what was typed, instead of a service's."""
    try:
        yield
    except VisrecCallError as error:
        if error.reason not in words:
            raise
        raise InOwnWords(words[error.reason]) from error


class ClearErrors(TyperGroup):
    """A group of commands whose foreseeable errors are one line on standard error, with exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read the output has enough of it, which typer ends quietly
        except FORESEEN as error:
            text = sentence(as_typed(error) if isinstance(error, VisrecCallError) else error)
            Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {escape(text)}", highlight=False)
            raise typer.Exit(1) from error


def sentence(error: Exception) -> str:
    """The error and what to do about it."""
    if isinstance(error, VisrecCallError):
        advice = next_step(error)
        return f"{_said(error)}; {advice}" if advice else _said(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {(error.strerror or 'cannot be read').lower()}"
    return str(error)


def next_step(error: VisrecCallError) -> str:
    """What a person can do now; empty when the error already says it."""
    if error.code is grpc.StatusCode.UNAVAILABLE:
        return "try again in a moment" if error.reason else _start(error.service)
    if error.reason == "SPACE_MISMATCH":
        return _OTHER_MODEL
    if error.reason == "TOO_MANY_SCENES":
        return ""  # waiting brings no room
    return _NEXT_BY_CODE.get(error.code, "")


def _start(service: str) -> str:
    every = "`python -m services all` (or `make run`)"
    if not service:
        return f"start the services with {every}"
    variable = f"VISREC_{service.upper()}_TARGET"
    return f"start it with `python -m services {service}`, all of them with {every}, or say where it is with {variable}"


def _name(service: str) -> str:
    return "profile service" if service == "profile" else service or "service"


def _said(error: VisrecCallError) -> str:
    if error.code is grpc.StatusCode.UNAVAILABLE and not error.reason:
        return f"no {_name(error.service)} answers{f' at {error.target}' if error.target else ''}"
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED and not error.reason:
        return f"the {_name(error.service)}{f' at {error.target}' if error.target else ''} did not answer in time"
    fields = [violation.field for violation in error.violations if violation.field not in error.message]
    message = advised(error.message.strip().rstrip("."), error.reason) or error.code.name.lower().replace("_", " ")
    return f"{', '.join(fields)}: {message}" if fields else message
