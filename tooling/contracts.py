"""Import rules that import-linter does not bring along; pyproject.toml says what they are applied to.

Modules are named by shell patterns, whose `*` also matches dots: `services.*_redis`. A new file falls under a rule by
its place and name, so a rule never has to be extended when the house grows.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_NAMES: Any = fields.SetField(subfield=fields.StringField())
"""Import-linter replaces the field by the set of strings that the configuration has, in each contract."""


class Pure(Contract):
    """No module of `modules`, but for those of `adapters`, reaches one of `forbidden`, by whatever detour."""

    modules: set[str] = _NAMES
    adapters: set[str] = _NAMES
    forbidden: set[str] = _NAMES

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        """Look at everything each pure module imports, directly or not."""
        forbidden = _matching(graph, self.forbidden)
        pure = _matching(graph, self.modules) - _matching(graph, self.adapters)
        chains = [
            " -> ".join(graph.find_shortest_chain(module, found) or ())
            for module in sorted(pure)
            for found in sorted(graph.find_upstream_modules(module) & forbidden)
        ]
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print a shortest chain of imports for each breach."""
        for chain in check.metadata["chains"]:
            output.print_error(chain, bold=False)


class Confined(Contract):
    """Nothing but modules matching `rooms` imports a module matching `packages` itself."""

    packages: set[str] = _NAMES
    rooms: set[str] = _NAMES

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        """Look at who imports the packages directly; what passes through a room is what the room is for."""
        packages, rooms = _matching(graph, self.packages), _matching(graph, self.rooms)
        imports = [
            f"{importer} -> {package}"
            for package in sorted(packages)
            for importer in sorted(graph.find_modules_that_directly_import(package) - packages - rooms)
        ]
        return ContractCheck(kept=not imports, metadata={"imports": imports})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is out of place."""
        for line in check.metadata["imports"]:
            output.print_error(line, bold=False)


def _matching(graph: ImportGraph, patterns: set[str]) -> set[str]:
    return {module for module in graph.modules if any(fnmatchcase(module, pattern) for pattern in patterns)}
