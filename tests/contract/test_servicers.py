"""Nothing of the contract is forgotten: every RPC has a method of its own in its service's servicer."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.contract.rpcs import Rpc, rpcs

ALL = list(rpcs())
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.path)
def test_every_rpc_is_implemented_by_its_servicer(rpc: Rpc) -> None:
    """An inherited method is the generated one, which knows no reason for being unimplemented."""
    module = importlib.import_module(f"services.{rpc.service}.servicer")
    servicer = getattr(module, f"{rpc.service.title()}Servicer")
    assert rpc.method.name in vars(servicer)


def test_the_readme_names_exactly_the_rpcs_that_this_version_has() -> None:
    for service in ("embedder", "indexer", "profile", "ranker"):
        (row,) = (
            line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith(f"| **{service}**")
        )
        named = {word.strip(" `") for word in row.rsplit("|", 2)[1].split(",")}
        assert named == {rpc.method.name for rpc in ALL if rpc.service == service and not rpc.later}
