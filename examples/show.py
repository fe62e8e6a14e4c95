"""The command around each example: a photo and a catalogue in, a table out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from visrec import tables
from visrec.client import Client
from visrec.commands.faults import sentence
from visrec.connection import Targets
from visrec.errors import VisrecCallError
from visrec.v1 import ranker_pb2

Ask = Callable[[Client, argparse.Namespace], ranker_pb2.RecommendResponse]


def command(about: str | None) -> argparse.ArgumentParser:
    """What every example is told."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, help="a JPEG, PNG, WebP, GIF or BMP file")
    parser.add_argument("--catalogue", "-c", required=True)
    return parser


def show(parser: argparse.ArgumentParser, arguments: list[str] | None, ask: Ask) -> int:
    """Asks services that run where `python -m services all` starts them, or where VISREC_*_TARGET say. Returns the exit
    code."""
    given = parser.parse_args(arguments)
    console = Console()
    try:
        with Client.connect(Targets.from_environment(os.environ)) as client:
            answer = ask(client, given)
        console.print(tables.recommendations(answer), crop=False)
        console.print(tables.basis(answer))
    except (VisrecCallError, OSError) as error:
        console.print(f"[red]error:[/] {escape(sentence(error))}", soft_wrap=True)
        return 1
    return 0
