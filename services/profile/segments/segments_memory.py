"""Segments in memory."""

from __future__ import annotations

from collections.abc import Mapping

from services.profile.filing.held_memory import Memory
from services.profile.segments.segment import NO_SEGMENTS, Segmentation
from services.profile.segments.segment_store import SegmentStore


class MemorySegments(Memory, SegmentStore):
    """By catalogue."""

    def put_segments(self, catalogue: str, known: Segmentation) -> None:
        with self._lock:
            self._segments.pop(catalogue, None)
            if known.segments:
                self._segments[catalogue] = known
            for where in [each for each in self._levels if each[0] == catalogue and each[2]]:
                if known.find(where[2]) is None:
                    del self._levels[where]

    def segment_versions(self) -> Mapping[str, str]:
        with self._lock:
            return {catalogue: known.version for catalogue, known in self._segments.items()}

    def segments(self, catalogue: str) -> Segmentation:
        with self._lock:
            return self._segments.get(catalogue, NO_SEGMENTS)
