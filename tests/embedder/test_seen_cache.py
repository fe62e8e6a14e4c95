from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.batching import EmbeddingQueue, QueueLimits
from services.embedder.framing import Box
from services.embedder.photo import Photo
from services.embedder.seen import Seen
from services.embedder.seen_cache import SeenCache
from services.embedder.sight import LocalSight, Picture
from services.embedder.toy import ToyNetwork, toy_model
from tests.embedder.pictures import jpeg


def seen(value: float) -> Seen:
    return Seen(np.full((1, 48), value, np.float32), {"colour": np.full((1, 6), value, np.float32)})


ENTRY_BYTES = 512 + 4 * (48 + 6)


def test_what_was_put_is_found_under_the_same_file_and_view_only() -> None:
    cache = SeenCache(10 * ENTRY_BYTES)
    cache.put(cache.key(Picture(b"one")), seen(1))
    found = cache.get(cache.key(Picture(b"one", field="elsewhere")))
    assert found is not None
    assert found.features[0, 0] == 1
    for other in (Picture(b"two"), Picture(b"one", Box(0, 0, 0.5, 1)), Picture(b"one", views=3)):
        assert cache.get(cache.key(other)) is None


def test_without_room_nothing_is_held_and_nothing_is_digested() -> None:
    cache = SeenCache(0)
    assert cache.key(Picture(b"one")) is None
    cache.put(None, seen(1))
    assert len(cache) == 0


def test_keys_say_nothing_about_a_file_to_who_does_not_know_the_secret() -> None:
    assert SeenCache(1000).key(Picture(b"one")) != SeenCache(1000).key(Picture(b"one"))


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 4))
def test_the_least_recently_used_goes_first_and_the_bound_holds(asked: list[int], room: int) -> None:
    cache, recent = SeenCache(room * ENTRY_BYTES), list[int]()
    for number in asked:
        key = cache.key(Picture(bytes([number])))
        found = cache.get(key)
        assert (found is not None) == (number in recent)
        cache.put(key, seen(number))
        recent = [each for each in recent if each != number][-(room - 1) :] if room > 1 else []
        recent.append(number)
        assert len(cache) <= room


async def test_the_same_photo_again_is_not_run_again_and_has_the_same_answer() -> None:
    network = CountingNetwork()
    queue = EmbeddingQueue(toy_model(), [LocalSight(network)], QueueLimits(cache_bytes=1 << 20))
    first, again = [await queue.embed(Photo(jpeg())) for _ in range(2)]
    assert network.runs == 1
    np.testing.assert_allclose(first.vector, again.vector, atol=1e-6)
    np.testing.assert_array_equal(first.features, again.features)
    evidence = await queue.embed(Photo(jpeg(), evidence=True))
    assert network.runs == 2, "regions are not held"
    assert evidence.evidence is not None
    await queue.close()


class CountingNetwork(ToyNetwork):
    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def look(self, pixels: np.ndarray, *, regions: bool = True) -> Seen:
        self.runs += 1
        return super().look(pixels, regions=regions)
