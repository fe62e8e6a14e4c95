"""Python from the contract, with type stubs for messages, servicers and clients: protos/visrec/v1/*.proto → visrec/v1,
and the standard that the embedder speaks besides: protos/inference/*.proto → services/embedder/inference.

`python -m tooling.protos` writes the generated code; `--check` generates it again beside and names every difference.
`--imports FOLDER` copies the googleapis protos that the contract imports there, for tools other than protoc.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc_tools
from google.rpc import status_pb2

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "protos"
PACKAGE = Path("visrec/v1")
"""The contract's folder: the same below `protos/` (the sources) and below the root (what is generated)."""

IMPORTED = ("google/rpc/status.proto",)
"""Files the contract imports beyond protobuf's own; they are in the googleapis-common-protos distribution."""


@dataclass(frozen=True)
class Package:
    """`sources`, below `protos/`, and the Python package that is made of them, `folder`, below the root."""

    sources: Path
    folder: Path

    def command(self, into: Path) -> list[str]:
        """protoc's. It is told that the sources lie where the package will, for that is how the modules that it makes
        import each other, and how descriptors are named: no other copy of the standard has these names."""
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{self.folder}={SOURCES / self.sources}"]
        command += [f"-I{_googleapis()}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
        command += [f"--plugin=protoc-gen-{name}={_plugin(name)}" for name in ("mypy", "mypy_grpc")]
        command += [f"{output}{into}" for output in _OUTPUTS]
        return [*command, *map(str, self.files())]

    def files(self) -> list[Path]:
        """The sources."""
        return sorted((SOURCES / self.sources).glob("*.proto"))


PACKAGES = (Package(PACKAGE, PACKAGE), Package(Path("inference"), Path("services/embedder/inference")))

_SERVICE = re.compile(r"^service ", re.MULTILINE)
_OUTPUTS = ("--python_out=", "--mypy_out=quiet:", "--grpc_python_out=", "--mypy_grpc_out=quiet:")


def main(arguments: list[str] | None = None) -> int:
    """Generate, or compare; the exit code is 0 when the checked-in code is what the contract says."""
    parser = argparse.ArgumentParser(prog="python -m tooling.protos", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare instead of writing")
    action.add_argument("--imports", type=Path, metavar="FOLDER", help="copy the imported googleapis protos to FOLDER")
    options = parser.parse_args(arguments)
    if options.imports:
        copy_imports(options.imports)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        if not options.check:
            replace(Path(scratch), ROOT)
            return 0
        faults = differences(Path(scratch), ROOT)
    for fault in faults:
        print(f"{fault}; run `make protos`", file=sys.stderr)
    return 1 if faults else 0


def generate(into: Path) -> None:
    """Write the generated code below `into`. Exits when a source is not valid; protoc has said why."""
    for package in PACKAGES:
        if code := subprocess.run(package.command(into), check=False).returncode:
            sys.exit(code)
        for source in package.files():
            if not _SERVICE.search(source.read_text()):
                _remove_empty_stubs(into / package.folder, source.stem)


def replace(generated: Path, root: Path) -> None:
    """Make the generated files of `root` those of `generated`, and remove the ones that no source makes any more."""
    for name in _generated_names(root) - _generated_names(generated):
        (root / name).unlink()
    for name in _generated_names(generated):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(generated / name, root / name)


def differences(generated: Path, root: Path) -> list[str]:
    """One sentence for each generated file of `root` that is missing, left over or not what `generated` has."""
    expected, present = _generated_names(generated), _generated_names(root)
    changed = {name for name in expected & present if (generated / name).read_bytes() != (root / name).read_bytes()}
    return [
        *(f"{name}: missing" for name in sorted(expected - present)),
        *(f"{name}: made from no source" for name in sorted(present - expected)),
        *(f"{name}: not what the contract generates" for name in sorted(changed)),
    ]


def copy_imports(into: Path) -> None:
    """Copy the imported googleapis protos below `into`, under the paths by which the contract imports them."""
    for name in IMPORTED:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_googleapis() / name, into / name)


def _remove_empty_stubs(folder: Path, stem: str) -> None:
    """Without a service, the gRPC plugins still write modules; there is nothing in them."""
    for suffix in ("py", "pyi"):
        (folder / f"{stem}_pb2_grpc.{suffix}").unlink()


def _generated_names(root: Path) -> set[Path]:
    files = (path for package in PACKAGES for path in (root / package.folder).glob("*_pb2*"))
    return {path.relative_to(root) for path in files if path.is_file()}


def _googleapis() -> Path:
    """The folder that contains google/rpc: where googleapis-common-protos is installed."""
    return Path(status_pb2.__file__).parents[2]


def _plugin(name: str) -> Path:
    """mypy-protobuf's executable, beside this interpreter's other scripts whether or not they are on the PATH."""
    return Path(sysconfig.get_path("scripts")) / f"protoc-gen-{name}"


if __name__ == "__main__":
    sys.exit(main())
