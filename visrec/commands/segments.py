"""visrec segments: groups of people who like alike."""

from __future__ import annotations

from typing import Annotated

import typer

from visrec import people_tables
from visrec.commands.session import JsonOption, session_of
from visrec.v1 import profile_pb2

segments_app = typer.Typer(no_args_is_help=True, help="Groups of people who like alike.")


@segments_app.command("list")
def list_(
    context: typer.Context,
    catalogue: Annotated[
        str, typer.Argument(envvar="VISREC_CATALOGUE", help="Of which catalogue.", metavar="CATALOGUE")
    ],
    as_json: JsonOption = False,
) -> None:
    """The groups of a catalogue, largest first, with what their people have in common. None of them is of few people.

    `python -m jobs segments` finds them.

    ```
    visrec segments list shop
    ```
    """
    session = session_of(context)
    answer = profile_pb2.ListSegmentsResponse(segments=session.client.segments(catalogue))
    session.show(answer, as_json, people_tables.segments(answer.segments))
