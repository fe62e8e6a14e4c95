"""The command around each example: a photo and a catalogue in, a table out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape

from visrec import tables
from visrec.client import Client
from visrec.commands.absence import why_nothing
from visrec.commands.faults import sentence
from visrec.connection import Targets
from visrec.errors import VisrecCallError
from visrec.v1 import common_pb2, ranker_pb2

Ask = Callable[[Client, argparse.Namespace], ranker_pb2.RecommendResponse]
Conditions = Callable[[argparse.Namespace], list[common_pb2.Condition]]


def command(about: str | None) -> argparse.ArgumentParser:
    """What every example is told."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, help="a JPEG, PNG, WebP, GIF or BMP file")
    parser.add_argument("--catalogue", "-c", required=True)
    return parser


def show(
    parser: argparse.ArgumentParser, arguments: list[str] | None, ask: Ask, conditions: Conditions = lambda _: []
) -> int:
    """Asks services that run where `python -m services all` starts them, or where VISREC_*_TARGET say. `conditions`:
    what items have to pass, to tell which of it nothing does. Returns the exit code."""
    given = parser.parse_args(arguments)
    console = Console()
    try:
        with Client.connect(Targets.from_environment(os.environ)) as client:
            answer = ask(client, given)
            found: RenderableType = tables.recommendations(answer)
            if not answer.recommendations:
                found = why_nothing(client, given.catalogue, conditions(given), "the person has seen all that passes")
        console.print(found, crop=False, soft_wrap=isinstance(found, str))
        console.print(tables.basis(answer))
    except (VisrecCallError, OSError) as error:
        console.print(f"[red]error:[/] {escape(sentence(error))}", soft_wrap=True)
        return 1
    return 0
