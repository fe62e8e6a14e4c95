"""Segments in Redis: one hash, in which each catalogue has its segments and, beside them, their version."""

from __future__ import annotations

from collections.abc import Mapping

from services.profile.filing.filing_redis import Filing
from services.profile.filing.keys import SEGMENTS, segment_lists, segment_of_list
from services.profile.segments.segment import NO_SEGMENTS, Segmentation, pack, unpack
from services.profile.segments.segment_store import SegmentStore
from services.runtime.redis import redis_errors

VERSION, PACKED = "version:", "packed:"


class RedisSegments(Filing, SegmentStore):
    """Both change in one command, so whoever sees a version finds its segments or later ones."""

    def put_segments(self, catalogue: str, known: Segmentation) -> None:
        names = (VERSION + catalogue, PACKED + catalogue)
        with redis_errors:
            if known.segments:
                self._client.hset(SEGMENTS, mapping=dict(zip(names, (known.version, pack(known)), strict=True)))
            else:
                self._client.hdel(SEGMENTS, *names)
            self._forget_counts(catalogue, known)

    def _forget_counts(self, catalogue: str, known: Segmentation) -> None:
        """Of segments that are no more. What people who are not told yet add to one goes with the next replacement."""
        registry = segment_lists(catalogue)
        names = [name.decode() for name in self._client.smembers(registry)]
        gone = [name for name in names if known.find(segment_of_list(name)) is None]
        if gone:
            self._client.unlink(*gone)
            self._client.srem(registry, *gone)

    def segment_versions(self) -> Mapping[str, str]:
        with redis_errors:
            names = [name.decode() for name in self._client.hkeys(SEGMENTS)]
            catalogues = [name.removeprefix(VERSION) for name in names if name.startswith(VERSION)]
            if not catalogues:
                return {}
            versions = self._client.hmget(SEGMENTS, [VERSION + catalogue for catalogue in catalogues])
        found = zip(catalogues, versions, strict=True)
        return {catalogue: version.decode() for catalogue, version in found if version}

    def segments(self, catalogue: str) -> Segmentation:
        with redis_errors:
            packed = self._client.hget(SEGMENTS, PACKED + catalogue)
        return unpack(packed) if packed else NO_SEGMENTS
