"""Where segments are kept: the port. `segments_memory` and `segments_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from services.profile.segments.segment import Segmentation


class SegmentStore(ABC):
    """The segments of each catalogue. They are about groups, and nobody's. Every method raises NotReady when the store
    cannot answer now."""

    @abstractmethod
    def put_segments(self, catalogue: str, known: Segmentation) -> None:
        """Replaces those before, in one step. Without any, nothing is kept."""

    @abstractmethod
    def segment_versions(self) -> Mapping[str, str]:
        """The version of each catalogue that has segments."""

    @abstractmethod
    def segments(self, catalogue: str) -> Segmentation:
        """Those of a catalogue."""
