"""What every model promises, and what the real one does besides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from services.embedder.cache import GraphCache
from services.embedder.fitted import Fitted
from services.embedder.images import Pixels
from services.embedder.lite0 import open_lite0
from services.embedder.model import Embeddings, Model, OnnxModel, ToyModel, canary_picture
from services.errors import NotFound, NotReady
from services.spaces import Float32
from tests.embedder.pictures import waves


class PromisesOfAModel:
    """Shared by all models: a subclass says which."""

    @pytest.fixture
    def model(self) -> Model:
        raise NotImplementedError

    @pytest.fixture
    def pictures(self, model: Model) -> Pixels:
        side = model.card.input_pixels
        return np.stack([waves(side, side, seed) for seed in range(5)])

    def test_every_block_is_of_unit_norm(self, model: Model, pictures: Pixels) -> None:
        found = model.embed(pictures)
        assert found.vectors.shape == (5, model.space.dimension)
        assert found.features.shape == (5, model.card.raw_dimension)
        for _, at in model.space.slices():
            np.testing.assert_allclose(np.linalg.norm(found.vectors[:, at], axis=1), 1, atol=1e-5)

    def test_everything_is_float32(self, model: Model, pictures: Pixels) -> None:
        found = model.embed(pictures)
        assert found.vectors.dtype == found.features.dtype == np.float32

    def test_the_same_picture_gives_the_same_numbers(self, model: Model, pictures: Pixels) -> None:
        np.testing.assert_array_equal(model.embed(pictures).vectors, model.embed(pictures).vectors)

    def test_a_batch_is_its_single_pictures(self, model: Model, pictures: Pixels) -> None:
        together = model.embed(pictures).vectors
        alone = np.concatenate([model.embed(picture[None]).vectors for picture in pictures])
        # Matrix products of other shapes sum in another order; float16, the stored form, rounds at 1e-4 and above.
        np.testing.assert_allclose(together, alone, atol=2e-6)

    def test_threads_do_not_disturb_each_other(self, model: Model, pictures: Pixels) -> None:
        expected = model.embed(pictures).vectors
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: model.embed(pictures).vectors, range(8)):
                np.testing.assert_array_equal(found, expected)

    def test_different_pictures_have_different_vectors(self, model: Model, pictures: Pixels) -> None:
        vectors = model.embed(pictures).vectors
        assert np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)[~np.eye(5, dtype=bool)].min() > 0.1

    def test_its_space_can_be_asked_for_and_no_other(self, model: Model) -> None:
        assert model.require("") == model.require(model.space.name) == model.space
        with pytest.raises(NotFound, match=model.space.name):
            model.require("visual@00000000")

    def test_its_canary_is_well(self, model: Model) -> None:
        model.check()


class TestToyModel(PromisesOfAModel):
    @pytest.fixture
    def model(self) -> Model:
        return ToyModel()

    def test_alike_pictures_have_alike_vectors(self, model: Model, pictures: Pixels) -> None:
        brighter = np.clip(pictures[0].astype(int) + 10, 0, 255).astype(np.uint8)
        one, alike, other = model.embed(np.stack([pictures[0], brighter, pictures[1]])).vectors
        assert one @ alike > one @ other


class TestInt8(PromisesOfAModel):
    @pytest.fixture
    def model(self, int8: OnnxModel) -> Model:
        return int8


class TestFp32(PromisesOfAModel):
    @pytest.fixture
    def model(self, fp32: OnnxModel) -> Model:
        return fp32


def test_each_precision_is_a_space_of_its_own(int8: OnnxModel, fp32: OnnxModel) -> None:
    assert int8.space.name != fp32.space.name
    assert int8.space.blocks == fp32.space.blocks


def test_a_space_is_named_by_the_digest_of_its_model(int8: OnnxModel) -> None:
    assert int8.card.digest.startswith(int8.space.name.removeprefix("visual@"))


@pytest.mark.parametrize("change", ["content_mean", "content_deviation", "colour_mean"])
def test_another_fit_is_another_space(change: str, graphs: GraphCache, int8: OnnxModel) -> None:
    fitted = Fitted.load()
    other = replace(fitted, **{change: getattr(fitted, change) + 0.001})
    assert open_lite0("int8", cache=graphs, fitted=other).space.name != int8.space.name


def test_the_words_about_a_fit_do_not_make_another_space(graphs: GraphCache, int8: OnnxModel) -> None:
    other = replace(Fitted.load(), source="the same pictures, better described")
    assert open_lite0("int8", cache=graphs, fitted=other).space == int8.space


class Drifted(ToyModel):
    """Its numbers are not the known ones any more."""

    def embed(self, pixels: Pixels) -> Embeddings:
        found = super().embed(pixels)
        return replace(found, vectors=found.vectors[:, ::-1].copy())

    def known_canary(self) -> Float32:
        return ToyModel().known_canary()


def test_a_model_whose_numbers_are_off_is_not_ready() -> None:
    with pytest.raises(NotReady, match="canary"):
        Drifted().check()


def test_a_model_without_a_known_canary_is_not_ready(graphs: GraphCache) -> None:
    model = open_lite0("int8", cache=graphs, fitted=replace(Fitted.load(), canary={}))
    with pytest.raises(NotReady, match="canary"):
        model.check()


def test_the_canary_picture_is_the_same_everywhere() -> None:
    picture = canary_picture(224)
    assert picture.shape == (224, 224, 3)
    assert picture.sum(dtype=np.int64) == canary_picture(224).sum(dtype=np.int64)
