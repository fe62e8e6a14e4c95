"""Packages fetched with their own clients, checked, and unpacked without running anything in them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from demo.sources import LeftOut

TIMEOUT_S = 300.0


def pip_download(requirement: str, sha256: str, folder: Path) -> Path:
    """The one wheel that `requirement` (NAME==VERSION) names. Raises LeftOut."""
    if _has_no_pip():
        raise LeftOut("this Python has no pip")
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", requirement], folder)
    return _checked(_only(folder, "*.whl"), sha256)


def npm_pack(specification: str, sha256: str, folder: Path) -> Path:
    """The archive of NAME@VERSION. Raises LeftOut."""
    if not (npm := shutil.which("npm")):
        raise LeftOut("there is no npm on this machine")
    _run([npm, "pack", "--silent", specification], folder)
    return _checked(_only(folder, "*.tgz"), sha256)


def apt_download(package: str, folder: Path) -> Path:
    """The archive of a Debian package, of the version that this machine's lists offer; apt checks its signature.

    Raises LeftOut, also where apt has no lists yet (`apt-get update` fetches them, and needs root).
    """
    if not (apt := shutil.which("apt-get")) or not shutil.which("dpkg-deb"):
        raise LeftOut("there is no apt on this machine")
    _run([apt, "download", package], folder)
    return _only(folder, "*.deb")


def unpack_wheel(archive: Path, pattern: str, folder: Path) -> None:
    """Copies the members whose path matches `pattern` into `folder`, without the folders they are in."""
    with zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            if PurePosixPath(member.filename).match(pattern):
                with members.open(member) as source, (folder / PurePosixPath(member.filename).name).open("wb") as copy:
                    shutil.copyfileobj(source, copy)


def unpack_tar(archive: Path, pattern: str, folder: Path) -> None:
    """As `unpack_wheel`, for a tar file; anything that is not a plain file is skipped."""
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.isfile() else None
            if content and PurePosixPath(member.name).match(pattern):
                with content, (folder / PurePosixPath(member.name).name).open("wb") as copy:
                    shutil.copyfileobj(content, copy)


def unpack_debian(archive: Path, folder: Path) -> None:
    """The files of a Debian package as they would lie below /; nothing of it is installed or run."""
    _run(["dpkg-deb", "--extract", str(archive.resolve()), "."], folder)


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise LeftOut(f"{Path(command[0]).name} took longer than {TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise LeftOut(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise LeftOut(f"`{_shown(command)}` failed: {_clean(said)}")


def _shown(command: list[str]) -> str:
    words = [Path(command[0]).name, *command[1:]]
    return " ".join(word for word in words if not word.startswith("--") and word != ".")


def _clean(lines: list[str]) -> str:
    """The line that says most: the first that is called an error, else the last."""
    errors = [line for line in lines if "error" in line.lower() or line.startswith("E:")]
    return (errors or lines or ["it said nothing"])[0 if errors else -1].strip()[:300]


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise LeftOut(f"the download made {len(found)} files like {pattern} instead of one")
    return found[0]


def _checked(archive: Path, sha256: str) -> Path:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != sha256:
        archive.unlink()
        raise LeftOut(f"{archive.name} is not the file it was: its SHA-256 is {digest}, not {sha256}")
    return archive


def _has_no_pip() -> bool:
    return subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0
