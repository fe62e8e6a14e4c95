"""python -m demo: from real photos to recommendations and a page that shows them, in one go."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from demo.catalogue import Catalogue, gather, own, photo_of
from demo.fleet import SERVICES, Fleet, FleetError, found
from demo.fleet import own as own_services
from demo.page import render
from demo.show import Show
from demo.sources.gcompris import Gcompris
from demo.sources.interiors import Interiors
from demo.sources.shop import Shop
from visrec.catalogue_files import CatalogueFileError
from visrec.client import Client
from visrec.commands.faults import sentence
from visrec.errors import VisrecCallError

VAR = Path("var")
FOLDER = VAR / "demo"
LOG = FOLDER / "services.log"
PAGE = FOLDER / "index.html"

BESIDE = " ".join(["VISREC_VAR_DIR=var/second", *(f"VISREC_{name.upper()}_TARGET=127.0.0.1:0" for name in SERVICES)])
"""Variables with which the services start a second time on this machine."""

RESULT_COLUMNS = 150
"""Width of the tables where the output is not a terminal."""


def main(arguments: list[str] | None = None) -> int:
    """The whole demonstration. Returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else RESULT_COLUMNS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        _demonstrate(options, console)
    except VisrecCallError as error:
        console.print(f"[bold red]error:[/] {escape(sentence(error))} (the services' own words: {LOG})")
        return 1
    except (CatalogueFileError, FleetError, OSError, ValueError) as error:
        console.print(f"[bold red]error:[/] {escape(sentence(error))}")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return 0


def _demonstrate(options: argparse.Namespace, console: Console) -> None:
    catalogue = _catalogue(options.catalog, console)
    with console.status("starting the services …") as status, _fleet(options.serve, console, status) as fleet:
        status.stop()
        with Client.connect(fleet.targets) as client:
            story = Show(client, console, datetime.now(UTC), random.Random(7)).run(catalogue)  # noqa: S311 (a play)
        PAGE.write_text(render(story), encoding="utf-8")
        console.print(f"\n[bold green]▸[/] [bold]To look at: {PAGE}[/]")
        if options.serve:
            _serve(fleet, catalogue, console)


def _fleet(serve: bool, console: Console, status: Status) -> AbstractContextManager[Fleet]:
    """Services of another start are used when they are there, but cannot be served from here. Raises FleetError."""
    before = found()
    if before and serve:
        raise FleetError(
            f"services of another start answer already ({before.addresses}): stop them, or start these beside them on "
            f"free ports, with data of their own: {BESIDE} make run"
        )
    if before:
        console.print(
            f"using the services that run already ({before.addresses}): they are of another start, and the photos "
            "go into its data"
        )
        return nullcontext(before)
    return own_services(
        VAR,
        LOG,
        console.print,
        lambda missing: status.update(f"waiting for {', '.join(missing)} (the first start builds the network) …"),
    )


def _catalogue(given: Path | None, console: Console) -> Catalogue:
    if given:
        return own(given, console.print)
    console.print("[bold green]▸[/] [bold]Photos for the catalogue[/]")
    sources = (Interiors(), Shop(), Gcompris())
    with console.status("getting photos …"):
        return gather(sources, FOLDER / "sources", lambda text: console.print(f"  {text}"))


def _serve(fleet: Fleet, catalogue: Catalogue, console: Console) -> None:
    """Says how to call the services, and waits for Ctrl-C. Raises FleetError when the services end by themselves."""
    photo = photo_of(catalogue.queries[0])
    exports = "\n".join(f"  export {name}={target}" for name, target in fleet.environment.items())
    metrics = "\n".join(f"  http://127.0.0.1:{port}/metrics  ({name})" for name, port in fleet.metrics.items())
    commands = Path(sys.executable).parent
    console.print(
        f"""
[bold]Serving until Ctrl-C.[/] In another terminal:

  export PATH="{commands}:$PATH"
{exports}

  visrec recommend -c {catalogue.name} --photo '{photo}' --user demo-mira --explain
  visrec similar -c {catalogue.name} --photo '{photo}' --block colour=1
  visrec events record demo-jonas like '{catalogue.items[0].id}' -c {catalogue.name}

  grpcurl -plaintext -d '{{"catalogue": "{catalogue.name}", "user_id": "demo-mira", "n": 3, "explain": true}}' \\
    {fleet.targets.ranker} visrec.v1.RankerService/Recommend

  python - <<'END'
  import os
  from visrec.client import Client
  with Client.from_environment(os.environ) as visrec:
      for each in visrec.recommend("{catalogue.name}", user="demo-jonas", n=5).recommendations:
          print(each.rank, each.item.title, round(each.score, 3))
  END

Metrics, for Prometheus or a browser:

{metrics}
""",
        highlight=False,
        soft_wrap=True,
    )
    with suppress(KeyboardInterrupt):
        fleet.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--catalog",
        type=Path,
        metavar="PATH",
        default=os.environ.get("CATALOG") or None,
        help="a folder of photos (sub-folders are categories) or an items.csv; default: CATALOG, else sample photos "
        "from package registries",
    )
    parser.add_argument(
        "--serve", action="store_true", help="keep serving afterwards, and say how to call the services"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
