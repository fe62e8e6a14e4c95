"""An index as files, and back: arrays as `.npy`, graphs as FAISS writes them, and a manifest with a checksum of each.

    manifest.json            format, space, version, of each file its length and CRC-32, and that of all this
    part-<n>/                one settled part: flat, sketch and graph .faiss, the arrays of its items and their facts
    dead-<n>.npy             places of the part's items that do not count any more
    fresh/                   items that are not settled: ids, packed items, first rows, vectors.npy

Files are mapped when they are loaded, so a large part costs no time but that of its checksum. Whatever is not as it was
written is refused.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.indexer.index.effort import Effort, Measured
from services.indexer.index.facts import Facts, Values, Words
from services.indexer.index.flat import Flat
from services.indexer.index.fresh import Fresh
from services.indexer.index.graph import Graph
from services.indexer.index.items import bitmap_of, places_of
from services.indexer.index.port import Accuracy, PackItem, Proceed
from services.indexer.index.settled import SettledPart
from services.indexer.index.sketch import Sketch
from services.indexer.index.slot import Kept, Role, Slot
from services.indexer.index.table import Items
from services.indexer.index.texts import Lookup, Texts
from services.indexer.index.written import Files, Written, checksum, is_as
from services.indexer.item import Item, Kind
from services.indexer.version import Version
from services.spaces import Space

FORMAT = 1
MANIFEST = "manifest.json"
GRAPH = "graph.faiss"
MAPPED_FROM = 1 << 20
"""Bytes of an array from which on it is worth mapping."""

UnpackItem = Callable[[bytes], Item]
"""The item of the bytes an index keeps."""


@dataclass(frozen=True)
class Forms:
    """How an index keeps items, and how they are read again."""

    pack: PackItem
    unpack: UnpackItem


class SnapshotRefused(Exception):
    """Says in one line why a snapshot cannot be used."""


@dataclass(frozen=True)
class State:
    """What is written: slots as they were at one moment, oldest first, and what version that was. `alive`: of each slot
    the items that counted then."""

    slots: Sequence[Slot]
    alive: Sequence[BitMap]
    version: Version


def save(state: State, space: Space, known: Mapping[int, Written], folder: Path, proceed: Proceed) -> Files:
    """Writes into an empty folder, and says what. `known`: where a part (by the id() of its table) was written before:
    its files are linked."""
    files: dict[str, Sequence[int]] = {}
    parts: list[dict[str, Any]] = []
    loose: list[Kept] = []
    for slot, alive in zip(state.slots, state.alive, strict=True):
        proceed()
        if isinstance(slot.content, Fresh):
            loose.append(Kept(slot, places_of(alive).astype(np.intp)))
            continue
        name = f"part-{len(parts)}"
        linked = _put_part(slot.content, folder / name, known.get(id(slot.content.table)), proceed)
        files |= {f"{name}/{file}": told for file, told in linked.items()}
        np.save(folder / f"dead-{len(parts)}.npy", places_of(BitMap(range(slot.content.items)) - alive))
        parts.append({"role": slot.role.value, "effort": _effort_fields(slot.content.effort)})
    _put_fresh(loose, folder / "fresh", space)
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in files:
            files[name] = [path.stat().st_size, checksum(path, proceed)]
    manifest = {
        "format": FORMAT,
        "space": _space_fields(space),
        "partitions": len(state.version.marks),
        "version": state.version.encode(),
        "parts": parts,
        "files": dict(sorted(files.items())),
    }
    (folder / MANIFEST).write_text(json.dumps({"crc32": _digest(manifest), "manifest": manifest}, indent=1))
    return files


def load(
    folder: Path, space: Space, partitions: int, unpack: UnpackItem, proceed: Proceed
) -> tuple[list[Slot], Version, Files]:
    """The slots, oldest first, a fresh one last. Raises SnapshotRefused."""
    try:
        return _load(folder, space, partitions, unpack, proceed)
    except OSError as problem:
        raise SnapshotRefused(f"it cannot be read ({problem.strerror or problem})") from problem


def _load(
    folder: Path, space: Space, partitions: int, unpack: UnpackItem, proceed: Proceed
) -> tuple[list[Slot], Version, Files]:
    manifest = _manifest(folder, space, partitions)
    for name, told in manifest["files"].items():
        if not is_as(told, folder / name, proceed):
            raise SnapshotRefused(f"{name} is not as it was written")
    try:
        slots = [_slot(folder, number, fields) for number, fields in enumerate(manifest["parts"])]
        slots.append(_fresh_slot(folder / "fresh", space, unpack))
        return slots, Version.decode(manifest["version"], partitions, "version"), manifest["files"]
    except OSError:
        raise
    except Exception as problem:
        raise SnapshotRefused(f"its contents do not fit together ({type(problem).__name__})") from problem


def _manifest(folder: Path, space: Space, partitions: int) -> dict[str, Any]:
    try:
        told = json.loads((folder / MANIFEST).read_text())
        manifest, known = told["manifest"], told["crc32"]
        found, theirs, marks = manifest["format"], manifest["space"], manifest["partitions"]
    except (ValueError, KeyError, TypeError) as problem:
        raise SnapshotRefused(f"its manifest cannot be read ({type(problem).__name__})") from problem
    if found != FORMAT:
        raise SnapshotRefused(f"it is of format {found}; this version reads format {FORMAT}")
    if known != _digest(manifest):
        raise SnapshotRefused(f"{MANIFEST} is not as it was written")
    if theirs != _space_fields(space) or marks != partitions:
        raise SnapshotRefused("it is of another space or number of partitions")
    return dict(manifest)


def _digest(manifest: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(manifest, sort_keys=True).encode())


# ---- a settled part


def _put_part(part: SettledPart, folder: Path, known: Written | None, proceed: Proceed) -> Files:
    """Says which files were linked."""
    folder.mkdir()
    if known is not None and known.link(folder, proceed):
        if known.linked == part.linked:
            return known.files
        (folder / GRAPH).unlink(missing_ok=True)
        _put_graph(part, folder)
        return {name: told for name, told in known.files.items() if name != GRAPH}
    _put_graph(part, folder)
    part.flat.save(folder / "flat.faiss")
    if part.sketch:
        part.sketch.save(folder / "sketch.faiss")
    for name, array in _arrays(part.table):
        np.save(folder / f"{name}.npy", array)
    return {}


def _put_graph(part: SettledPart, folder: Path) -> None:
    if part.graph:
        part.graph.save(folder / GRAPH)


def _arrays(table: Items) -> Iterator[tuple[str, NDArray[Any]]]:
    yield from _text_arrays("ids", table.ids)
    yield from _lookup_arrays("ids", table.lookup)
    yield from _text_arrays("packed", table.packed)
    yield "starts", table.starts
    names = [*table.facts.words, *(f"{kind.value} {name}" for name, kind in table.facts.values)]
    yield from _text_arrays("fields", Texts.of([name.encode() for name in names]))
    for number, words in enumerate(table.facts.words.values()):
        yield from _text_arrays(f"facts-{number}-words", words.words)
        yield from _lookup_arrays(f"facts-{number}-words", words.lookup)
        yield f"facts-{number}-starts", words.starts
        yield f"facts-{number}-carriers", words.carriers
    for number, values in enumerate(table.facts.values.values(), len(table.facts.words)):
        yield f"facts-{number}-values", values.values
        yield f"facts-{number}-carriers", values.carriers


def _text_arrays(name: str, texts: Texts) -> Iterator[tuple[str, NDArray[Any]]]:
    yield f"{name}-data", texts.data
    yield f"{name}-starts", texts.starts


def _lookup_arrays(name: str, lookup: Lookup) -> Iterator[tuple[str, NDArray[Any]]]:
    yield f"{name}-digests", lookup.digests
    yield f"{name}-places", lookup.places


def _slot(folder: Path, number: int, fields: Mapping[str, Any]) -> Slot:
    part = folder / f"part-{number}"
    table = Items(
        _texts(part, "ids"), _lookup(part, "ids"), _texts(part, "packed"), _mapped(part, "starts"), _facts(part)
    )
    flat = Flat.load(part / "flat.faiss")
    graph = Graph.load(part / GRAPH, flat) if (part / GRAPH).exists() else None
    sketch = Sketch.load(part / "sketch.faiss") if (part / "sketch.faiss").exists() else None
    settled = SettledPart(table, flat, sketch, graph, _effort(fields["effort"]))
    if settled.rows != int(table.starts[-1]):
        raise ValueError("rows")
    return Slot(Role(fields["role"]), settled, bitmap_of(np.load(folder / f"dead-{number}.npy")))


def _facts(part: Path) -> Facts:
    fields = _texts(part, "fields")
    words, values = {}, {}
    for number in range(len(fields)):
        kind, _, name = fields[number].decode().rpartition(" ")
        carriers = _mapped(part, f"facts-{number}-carriers")
        if kind:
            values[name, Kind(kind)] = Values(_mapped(part, f"facts-{number}-values"), carriers)
        else:
            prefix = f"facts-{number}-words"
            starts = _mapped(part, f"facts-{number}-starts")
            words[name] = Words(_texts(part, prefix), _lookup(part, prefix), starts, carriers)
    return Facts(len(_mapped(part, "starts")) - 1, words, values)


def _texts(part: Path, name: str) -> Texts:
    return Texts(_mapped(part, f"{name}-data"), _mapped(part, f"{name}-starts"))


def _lookup(part: Path, name: str) -> Lookup:
    return Lookup(_mapped(part, f"{name}-digests"), _mapped(part, f"{name}-places"))


def _mapped(part: Path, name: str) -> NDArray[Any]:
    path = part / f"{name}.npy"
    # A map keeps a file descriptor, of which there are few: of a field of words alone there are six arrays.
    mode: Any = "r" if path.stat().st_size >= MAPPED_FROM else None
    # A plain array over the map: numpy's own class for it makes every look slower.
    return np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False)).view(np.ndarray)


# ---- what is fresh


def _put_fresh(several: Sequence[Kept], folder: Path, space: Space) -> None:
    folder.mkdir()
    ids: list[bytes] = []
    packed: list[bytes] = []
    photos: list[NDArray[Any]] = [np.zeros(1, np.int32)]
    vectors: list[NDArray[Any]] = [np.empty((0, space.dimension), np.float16)]
    for kept in several:
        content = kept.slot.content
        assert isinstance(content, Fresh)
        ids.extend(content.ids[item].encode() for item in kept.items.tolist())
        packed.extend(content.packed[item] for item in kept.items.tolist())
        photos.append(np.diff(content.starts.head())[kept.items])
        vectors.extend(kept.chunks())
    arrays = dict([*_text_arrays("ids", Texts.of(ids)), *_text_arrays("packed", Texts.of(packed))])
    arrays |= {"starts": np.cumsum(np.concatenate(photos), dtype=np.int32), "vectors": np.concatenate(vectors)}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def _fresh_slot(folder: Path, space: Space, unpack: UnpackItem) -> Slot:
    fresh = Fresh(space.dimension)
    ids, packed = _texts(folder, "ids"), _texts(folder, "packed")
    starts, vectors = _mapped(folder, "starts"), _mapped(folder, "vectors")
    for item in range(len(ids)):
        data = packed[item]
        facts = tuple(unpack(data).facts())
        fresh.add(ids[item].decode(), data, facts, vectors[starts[item] : starts[item + 1]])
    return Slot(Role.FRESH, fresh)


# ---- the manifest's fields


def _space_fields(space: Space) -> list[Any]:
    return [space.name, [[block.name, block.dimension] for block in space.blocks]]


def _effort_fields(effort: Effort) -> dict[str, Any]:
    return {"rows": effort.rows, "scans": _measured_fields(effort.scans), "walks": _measured_fields(effort.walks)}


def _measured_fields(measured: Measured) -> dict[str, Any]:
    efforts = {accuracy.value: efforts.tolist() for accuracy, efforts in measured.efforts.items()}
    return {"blocks": measured.mixes.shape[1], "mixes": measured.mixes.tolist(), "efforts": efforts}


def _effort(fields: Mapping[str, Any]) -> Effort:
    return Effort(_measured(fields["scans"]), _measured(fields["walks"]), int(fields["rows"]))


def _measured(fields: Mapping[str, Any]) -> Measured:
    mixes = np.array(fields["mixes"], np.float32).reshape(-1, fields["blocks"])
    return Measured(mixes, {Accuracy(name): np.array(efforts, np.int32) for name, efforts in fields["efforts"].items()})
