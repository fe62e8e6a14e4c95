from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.qt_resources import ResourceArchive, ResourceError
from tests.demo.resources import ZSTD, Tree, Writer

TREE: Tree = {
    "src": {"image": {"fish.webp": b"fish", "long.txt.z": b"long " * 500}, "empty": b""},
    "übung": b"\x00\xff",
}
FILES = {"src/image/fish.webp": b"fish", "src/image/long.txt.z": b"long " * 500, "src/empty": b"", "übung": b"\x00\xff"}


def read(data: bytes) -> dict[str, bytes]:
    return {str(file.path): file.read() for file in ResourceArchive(data).files()}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format_is_read(version: int) -> None:
    assert read(Writer(version).write(TREE)) == FILES


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: name not in {".", ".."}
)
trees = st.recursive(
    st.dictionaries(names, st.binary(max_size=50), max_size=4),
    lambda below: st.dictionaries(names, st.one_of(st.binary(max_size=50), below), max_size=4),
    max_leaves=12,
)


def paths(tree: Tree, above: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, content in tree.items():
        found |= {above + name: content} if isinstance(content, bytes) else paths(content, f"{above}{name}/")
    return found


@given(trees)
def test_what_was_packed_comes_out(tree: Tree) -> None:
    assert read(Writer().write(tree)) == paths(tree)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_file_is_refused_or_read_but_never_breaks_the_reader(at: int, value: int) -> None:
    data = bytearray(Writer().write(TREE))
    data[at % len(data)] = value
    with suppress(ResourceError):
        read(bytes(data))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "ends in the middle"),
        (b"PK\x03\x04" + bytes(40), "does not begin with qres"),
        (struct.pack(">4sIIIII", b"qres", 9, 0, 0, 0, 0), "version 9"),
        (Writer().write(TREE)[:-8], "ends in the middle"),
        (Writer().write({"..": b"x"}), "cannot be the name of a file"),
        (Writer().write({"a/b": b"x"}), "cannot be the name of a file"),
        (Writer(zlib_flag=ZSTD).write({"a.z": b"x"}), "Zstandard"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(ResourceError, match=complaint):
        read(data)


def test_a_file_that_claims_too_little_or_too_much_is_refused() -> None:
    whole = Writer().write({"a.z": b"x" * 1000})
    claim = struct.pack(">I", 1000)
    for false_claim, complaint in ((999, "another size"), (1001, "another size"), (1 << 30, "more than")):
        with pytest.raises(ResourceError, match=complaint):
            read(whole.replace(claim, struct.pack(">I", false_claim), 1))


def test_folders_in_a_circle_end_in_an_error() -> None:
    writer = Writer(version=1)
    data = writer.write({"folder": {"file": b"x"}})
    # The folder is node 1; its first child is made to be itself.
    tree_at = struct.unpack(">I", data[8:12])[0]
    first_child_at = tree_at + 14 + 10
    with pytest.raises(ResourceError, match="circle"):
        read(data[:first_child_at] + struct.pack(">I", 1) + data[first_child_at + 4 :])
