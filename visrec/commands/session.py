"""What every command needs: the client, the terminal, and the options that many of them share."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console, RenderableType

from visrec.client import Client

CatalogueOption = Annotated[
    str, typer.Option("--catalogue", "-c", envvar="VISREC_CATALOGUE", help="Name of the catalogue.", metavar="NAME")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON, for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
CountOption = Annotated[int, typer.Option("-n", "--count", min=1, max=1000, help="How many.")]


@dataclass(frozen=True)
class Session:
    """One run of the command. `out` is for answers, `notes` (standard error) for everything else."""

    client: Client
    out: Console
    notes: Console

    def show(self, message: Message, as_json: bool, *pieces: RenderableType) -> None:
        """The message as JSON, or the pieces for people, one after the other."""
        if as_json:
            fields = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
            sys.stdout.write(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
            return
        for piece in pieces:
            self.out.print(piece, crop=False)


def session_of(context: typer.Context) -> Session:
    """The session that the command's callback made."""
    session = context.find_object(Session)
    assert session is not None
    return session
