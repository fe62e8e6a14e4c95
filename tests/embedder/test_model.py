"""What every model promises, and what the real one does besides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from services.embedder.cache import GraphCache
from services.embedder.framing import Pixels
from services.embedder.manifest import MODELS, Manifest, find_manifest
from services.embedder.model import Model, canary_picture
from services.embedder.opening import prepare_manifest
from services.embedder.seen import Seen
from services.embedder.toy import ToyNetwork, toy_model
from services.errors import NotReady
from services.spaces import canonical
from tests.embedder.pictures import waves
from tests.embedder.whole import Whole, toy


class PromisesOfAModel:
    """Shared by all models: a subclass says which."""

    @pytest.fixture
    def model(self) -> Whole:
        raise NotImplementedError

    @pytest.fixture
    def pictures(self, model: Whole) -> Pixels:
        side = model.card.input_pixels
        return np.stack([waves(side, side, seed) for seed in range(5)])

    def test_every_block_is_of_unit_norm(self, model: Whole, pictures: Pixels) -> None:
        vectors = model.embed(pictures)
        assert vectors.shape == (5, model.space.dimension)
        for _, at in model.space.slices():
            np.testing.assert_allclose(np.linalg.norm(vectors[:, at], axis=1), 1, atol=1e-5)

    def test_what_is_seen_is_of_the_announced_shapes(self, model: Whole, pictures: Pixels) -> None:
        seen = model.look(pictures)
        assert seen.features.shape == (5, model.card.raw_dimension)
        assert {name: block.shape for name, block in seen.own.items()} == {
            name: (5, dimension) for name, dimension in model.model.own_blocks.items()
        }

    def test_features_are_the_mean_of_their_regions(self, model: Whole, pictures: Pixels) -> None:
        seen = model.look(pictures)
        assert seen.maps is not None
        np.testing.assert_allclose(seen.maps.mean(axis=(2, 3)), seen.features, atol=1e-5)

    def test_evidence_sums_to_the_part_of_the_score_of_a_canonical_item(self, model: Whole, pictures: Pixels) -> None:
        """To 1e-5, for every pair of pictures, on the float16 vectors that are stored."""
        items = canonical(model.embed(pictures)).astype(np.float32)
        for picture in pictures:
            seen = model.look(picture[None])
            vector, split = model.head.vectors(seen)[0], model.head.evidence(seen)
            at = {block.name: place for block, place in model.space.slices()}[split.block]
            for item in items:
                part = float(vector[at] @ item[at])
                split_part = float((split.regions @ item[at]).sum(dtype=np.float64) + split.offset @ item[at])
                assert abs(split_part - part) < 1e-5

    def test_everything_is_float32(self, model: Whole, pictures: Pixels) -> None:
        seen = model.look(pictures)
        assert seen.maps is not None
        arrays = [model.embed(pictures), seen.features, seen.maps, *seen.own.values()]
        assert {array.dtype for array in arrays} == {np.dtype(np.float32)}

    def test_the_same_picture_gives_the_same_numbers(self, model: Whole, pictures: Pixels) -> None:
        np.testing.assert_array_equal(model.embed(pictures), model.embed(pictures))

    def test_a_batch_is_its_single_pictures(self, model: Whole, pictures: Pixels) -> None:
        together = model.embed(pictures)
        alone = np.concatenate([model.embed(picture[None]) for picture in pictures])
        # Matrix products of other shapes sum in another order; float16, the stored form, rounds at 1e-4 and above.
        np.testing.assert_allclose(together, alone, atol=2e-6)

    def test_threads_do_not_disturb_each_other(self, model: Whole, pictures: Pixels) -> None:
        expected = model.embed(pictures)
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: model.embed(pictures), range(8)):
                np.testing.assert_array_equal(found, expected)

    def test_different_pictures_have_different_vectors(self, model: Whole, pictures: Pixels) -> None:
        vectors = model.embed(pictures)
        assert np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)[~np.eye(5, dtype=bool)].min() > 0.1

    def test_its_canary_is_well(self, model: Whole) -> None:
        model.check()


class TestToyModel(PromisesOfAModel):
    @pytest.fixture
    def model(self) -> Whole:
        return toy()

    def test_alike_pictures_have_alike_vectors(self, model: Whole, pictures: Pixels) -> None:
        brighter = np.clip(pictures[0].astype(int) + 10, 0, 255).astype(np.uint8)
        one, alike, other = model.embed(np.stack([pictures[0], brighter, pictures[1]]))
        assert one @ alike > one @ other


class TestInt8(PromisesOfAModel):
    @pytest.fixture
    def model(self, int8: Whole) -> Whole:
        return int8


class TestFp32(PromisesOfAModel):
    @pytest.fixture
    def model(self, fp32: Whole) -> Whole:
        return fp32


def test_each_precision_is_a_space_of_its_own(int8: Whole, fp32: Whole) -> None:
    assert int8.space.name != fp32.space.name
    assert int8.space.blocks == fp32.space.blocks


def test_a_space_is_named_by_the_digest_of_its_model(int8: Whole) -> None:
    assert int8.card.digest.startswith(int8.space.name.removeprefix("visual@"))


LITE0 = Manifest.load(find_manifest("lite0"))


@pytest.mark.parametrize(
    ("block", "number"),
    [
        (plan.name, number)
        for plan in LITE0.blocks
        for number in ("mean", "deviation", "matrix")
        if getattr(plan, number) is not None
    ],
)
def test_another_fit_is_another_space(block: str, number: str, graphs: GraphCache, int8: Whole) -> None:
    blocks = [
        plan.model_copy(update={number: getattr(plan, number) + 0.001} if plan.name == block else {})
        for plan in LITE0.blocks
    ]
    assert made(LITE0.model_copy(update={"blocks": tuple(blocks)}), graphs).space.name != int8.space.name


def test_the_words_about_a_fit_do_not_make_another_space(graphs: GraphCache, int8: Whole) -> None:
    assert LITE0.fit
    words = LITE0.fit.model_copy(update={"source": "the same pictures, better described"})
    assert made(LITE0.model_copy(update={"fit": words}), graphs).space == int8.space


def made(manifest: Manifest, graphs: GraphCache) -> Model:
    return prepare_manifest(manifest, MODELS, cache=graphs).model


class Drifted(ToyNetwork):
    """Its numbers are not the known ones any more."""

    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        seen = super().look(pixels, regions=regions)
        return replace(seen, features=seen.features[:, ::-1].copy())


def test_a_model_whose_numbers_are_off_is_not_ready() -> None:
    with pytest.raises(NotReady, match="canary"):
        Whole(toy_model(), Drifted()).check()


def test_a_model_without_a_known_canary_is_not_ready(graphs: GraphCache) -> None:
    model = made(LITE0.model_copy(update={"canary": {}}), graphs)
    with pytest.raises(NotReady, match="canary"):
        Whole(model, ToyNetwork()).check()


def test_the_canary_picture_is_the_same_everywhere() -> None:
    picture = canary_picture(224)
    assert picture.shape == (224, 224, 3)
    assert picture.sum(dtype=np.int64) == canary_picture(224).sum(dtype=np.int64)
