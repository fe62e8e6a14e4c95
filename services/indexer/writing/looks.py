"""From drafts to what the record keeps: vectors in every space of the catalogue, and raw features.

Photos are looked at once, in the catalogue's own space. Vectors in the other spaces are made of the raw features, which
costs a matrix product instead of a second look; so are those of an item that comes with vectors and raw features. What
cannot be made in a space that the embedder does not know is left out there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.errors import InvalidInput, InvalidPicture, NotFound, Refused, VisrecError
from services.indexer.record.layout import Layout
from services.indexer.writing.draft import Draft, decode_all
from services.indexer.writing.embedder import Embedder, Kept, Look
from services.spaces import Float16, Space, canonical


@dataclass
class Looks:
    """Of one item. `vectors` (photos, D) canonical, by the name of their space; `raw` (photos, F). `origin`: the space
    from whose vectors those in other spaces may be made."""

    origin: Space
    vectors: dict[str, Float16] = field(default_factory=dict)
    raw: Float16 | None = None


class Looking:
    """`keep_raw`: raw features are asked for and kept."""

    def __init__(self, embedder: Embedder, *, keep_raw: bool) -> None:
        self._embedder = embedder
        self._keep_raw = keep_raw

    def look(
        self, positions: Sequence[int], drafts: Sequence[Draft], layout: Layout
    ) -> tuple[dict[int, Looks], dict[int, VisrecError]]:
        """What there is of each item, or why it cannot be written; each position is in exactly one of the two."""
        looks: dict[int, Looks] = {}
        failures: dict[int, VisrecError] = {}
        sound = []
        for position in positions:
            try:
                self._check(drafts[position], f"items[{position}]", layout)
                sound.append(position)
            except VisrecError as problem:
                failures[position] = problem
        self._decode([one for one in sound if drafts[one].vectors], drafts, layout, looks, failures)
        self._embed([one for one in sound if drafts[one].photos], drafts, layout, looks, failures)
        for space in layout.spaces().values():
            self._project(space, looks, failures)
        if not self._keep_raw:
            for one in looks.values():
                one.raw = None
        return {position: looks[position] for position in positions if position in looks}, failures

    def _check(self, draft: Draft, at: str, layout: Layout) -> None:
        draft.check(at)
        for name in draft.by_space():
            if name not in layout.spaces():
                layout.own.require(name)
        if draft.raw and not self._keep_raw:
            raise Refused(
                "raw features are not kept here: VISREC_INDEXER_KEEP_RAW_FEATURES", reason="RAW_FEATURES_NOT_KEPT"
            )

    def _decode(
        self,
        positions: Sequence[int],
        drafts: Sequence[Draft],
        layout: Layout,
        looks: dict[int, Looks],
        failures: dict[int, VisrecError],
    ) -> None:
        spaces = layout.spaces()
        given: dict[str, list[tuple[int, str, bytes]]] = {}
        for position in positions:
            for number, vector in enumerate(drafts[position].vectors):
                path = f"items[{position}].vectors[{number}].data"
                given.setdefault(vector.space, []).append((position, path, vector.data))
        for name, vectors in given.items():
            units, wrong = decode_all(spaces[name], [(path, data) for _, path, data in vectors])
            for at, problem in wrong.items():
                failures.setdefault(vectors[at][0], problem)
            rows, start = canonical(units), 0
            for position, group in itertools.groupby(vector[0] for vector in vectors):
                end = start + sum(1 for _ in group)
                one = looks.setdefault(position, Looks(spaces[name], raw=drafts[position].raw_rows()))
                one.vectors[name] = rows[start:end]
                start = end
        for position in failures.keys() & looks.keys():
            del looks[position]

    def _embed(
        self,
        positions: Sequence[int],
        drafts: Sequence[Draft],
        layout: Layout,
        looks: dict[int, Looks],
        failures: dict[int, VisrecError],
    ) -> None:
        raw = self._keep_raw or bool(layout.further)
        for origin in (layout.own, *(space for space, _ in layout.further.values())):
            results = dict(self._embedded(positions, drafts, origin, raw=raw))
            unknown = {at for at, one in results.items() if isinstance(one, NotFound)}
            for position, result in results.items():
                if isinstance(result, VisrecError):
                    failures[position] = result
                else:
                    failures.pop(position, None)
                    looks[position] = result
            # A space that the embedder does not know is no reason not to look in another one.
            positions = sorted(unknown)
            if not positions:
                return

    def _embedded(
        self, positions: Sequence[int], drafts: Sequence[Draft], space: Space, *, raw: bool
    ) -> Iterator[tuple[int, Looks | VisrecError]]:
        """For each position what was seen, or why the first of its photos that failed did."""
        photos = [photo for position in positions for photo in drafts[position].photos]
        results = iter(self._embedder.embed(photos, space, raw=raw) if photos else ())
        for position in positions:
            mine = list(itertools.islice(results, len(drafts[position].photos)))
            good = [one for one in mine if isinstance(one, Look)]
            if len(good) == len(mine):
                yield position, _looks(space, good)
            else:
                number, problem = next((n, one) for n, one in enumerate(mine) if isinstance(one, VisrecError))
                yield position, placed(problem, f"items[{position}].photos[{number}]")

    def _project(self, space: Space, looks: dict[int, Looks], failures: dict[int, VisrecError]) -> None:
        """Fills in the vectors in `space` of those that have none and whose raw features are known."""
        by_origin: dict[str, list[int]] = {}
        for position, one in looks.items():
            if one.raw is not None and space.name not in one.vectors:
                by_origin.setdefault(one.origin.name, []).append(position)
        for positions in by_origin.values():
            made = project(self._embedder, {position: looks[position] for position in positions}, space)
            for position, rows in made.items():
                if isinstance(rows, VisrecError):
                    failures[position] = rows
                    del looks[position]
                else:
                    looks[position].vectors[space.name] = rows


def project(embedder: Embedder, looks: Mapping[int, Looks], space: Space) -> dict[int, Float16 | VisrecError]:
    """For each item, all of one origin and with raw features, its canonical vectors (photos, D) in `space`, or why it
    has none. Empty when the embedder does not know the space."""
    kept = [
        Kept(raw, vector)
        for one in looks.values()
        if one.raw is not None
        for raw, vector in zip(one.raw, one.vectors[one.origin.name], strict=True)
    ]
    origin = next(iter(looks.values())).origin
    try:
        results = iter(embedder.project(kept, origin, space))
    except NotFound:
        return {}
    except VisrecError as problem:
        return dict.fromkeys(looks, problem)
    made: dict[int, Float16 | VisrecError] = {}
    for position, one in looks.items():
        mine = list(itertools.islice(results, len(one.vectors[origin.name])))
        failed = next((problem for problem in mine if isinstance(problem, VisrecError)), None)
        made[position] = failed or canonical(np.array(mine, np.float32))
    return made


def placed(problem: VisrecError, at: str) -> VisrecError:
    """The embedder names the field of its own request; here it is a field of ours."""
    if isinstance(problem, InvalidPicture):
        return InvalidPicture(at, problem.description, reason=problem.reason)
    if isinstance(problem, InvalidInput):
        return InvalidInput(at, problem.description, reason=problem.reason)
    return problem


def _looks(space: Space, seen: Sequence[Look]) -> Looks:
    raw = [one.raw for one in seen if one.raw is not None]
    vectors = canonical(np.stack([one.vector for one in seen]))
    return Looks(space, {space.name: vectors}, np.stack(raw) if len(raw) == len(seen) else None)
