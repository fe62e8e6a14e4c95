"""Where collaborative vectors of people are kept: the port. `vectors_memory` and `vectors_redis` stand behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.spaces import Float16


@dataclass(frozen=True)
class Placed:
    """Whose vector: (F,) canonical float16 of the space of that name."""

    user_id: str
    space: str
    vector: Float16


class Placing(Enum):
    """What became of a vector."""

    PUT = "put"
    UNKNOWN_USER = "unknown_user"
    REFUSED = "refused"
    """The person does not consent to personalisation."""
    OUTDATED = "outdated"
    """They were erased, or took a consent back, after it was learned."""


class VectorStore(ABC):
    """A vector is found with its person's window. Every method raises NotReady when the store cannot answer now."""

    @abstractmethod
    def put_vectors(self, catalogue: str, placed: Sequence[Placed], learned_ms: int | None = None) -> list[Placing]:
        """Keeps each vector with the number of events the person has now, in one step for each; tastes that were kept
        without it are forgotten. `learned_ms`: when the events were read that they follow from, milliseconds since
        1970; of whom something was forgotten since, or who is new since, nothing is kept. None: not checked."""
