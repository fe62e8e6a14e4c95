"""Models as data: a network of one's own through a manifest, without code, checked when it is loaded."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from services.embedder import export, fit
from services.embedder.cache import GraphCache
from services.embedder.given_head import GivenBlock, GivenHead
from services.embedder.head_store import MemoryHeadStore
from services.embedder.heads import Heads
from services.embedder.manifest import MODELS, BlockPlan, Input, Manifest, Outputs, find_manifest
from services.embedder.opening import prepare, prepare_manifest
from services.errors import InvalidInput, NotReady, Refused
from services.spaces import Block
from tests.embedder.graphs import CLIP_DEVIATION, CLIP_MEAN, FEATURES, SIDE, manifest, tower
from tests.embedder.pictures import encode, jpeg, waves
from tests.embedder.whole import Whole, opened

PICTURES = np.stack([waves(SIDE, SIDE, seed) for seed in range(100)])
WITH_REGIONS = Outputs(features="image_embeds", map="map", texture="texture")
STYLED = (*manifest().blocks, BlockPlan(name="style", kind="style", dimension=8, weight=0.0))


def open_model(path: Path, **options: Any) -> Whole:
    return opened(prepare(path, **options))


def open_manifest(given: Manifest, folder: Path, **options: Any) -> Whole:
    return opened(prepare_manifest(given, folder, **options))


def fitted(folder: Path, given: Manifest) -> Path:
    """The manifest's file, with its graph beside it, ready to be served."""
    path = folder / "tower.json"
    fit.fit(given, folder, PICTURES, "a hundred waves").save(path)
    fit.with_canary(Manifest.load(path), folder).save(path)
    return path


def test_a_clip_like_tower_is_served_from_its_manifest(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx")
    model = open_model(fitted(tmp_path, manifest()))
    model.check()
    assert (model.card.name, model.card.precision, model.card.raw_dimension) == ("tower", "graph", FEATURES)
    assert [(block.name, block.dimension) for block in model.space.blocks] == [("content", FEATURES), ("colour", 64)]
    content = model.embed(PICTURES)[:, :FEATURES]
    assert np.linalg.norm(content.mean(axis=0)) < 0.4, "the mean of what it was fitted on is gone"
    with pytest.raises(InvalidInput, match="no map"):
        model.head.evidence(model.look(PICTURES[:1]))


def test_pixels_are_normalised_as_the_manifest_says(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx")
    seen = open_manifest(manifest(), tmp_path).look(PICTURES[:2])
    import onnxruntime

    session = onnxruntime.InferenceSession((tmp_path / "tower.onnx").read_bytes())
    planes = ((PICTURES[:2].astype("f8") - CLIP_MEAN) / CLIP_DEVIATION).transpose(0, 3, 1, 2).astype("f4")
    (wanted,) = session.run(["image_embeds"], {"pixel_values": planes})
    np.testing.assert_allclose(seen.features, wanted, atol=1e-4)


async def test_heads_can_be_given_to_any_model(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx")
    model = open_model(fitted(tmp_path, manifest()))
    matrix = np.eye(FEATURES, dtype="f4")[:3]
    given = GivenHead("clip", "", (GivenBlock(Block("content", 3), matrix, np.zeros(3, "f4")),))
    heads = Heads(model.model, MemoryHeadStore(), lambda: 1)
    head = await heads.require((await heads.put(given)).name)
    assert head.vectors(model.look(PICTURES[:2])).shape == (2, 3)


def test_a_network_with_regions_and_texture_has_evidence_and_style(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx", regions=True)
    model = open_model(fitted(tmp_path, manifest(outputs=WITH_REGIONS, blocks=STYLED)))
    model.check()
    seen = model.look(PICTURES[:1])
    split = model.head.evidence(seen)
    assert split.regions.shape == (4, 4, FEATURES)
    vector = model.head.vectors(seen)[0]
    np.testing.assert_allclose(split.regions.sum(axis=(0, 1)) + split.offset, vector[:FEATURES], atol=1e-5)
    assert model.model.own_blocks == {"colour": 64, "style": 8}


def test_a_manifest_survives_being_saved(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx", regions=True)
    path = fitted(tmp_path, manifest(outputs=WITH_REGIONS, blocks=STYLED))
    again = tmp_path / "again.json"
    Manifest.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()
    assert open_model(again).space == open_model(path).space


@pytest.mark.parametrize("name", sorted(path.stem for path in MODELS.glob("*.json")))
def test_what_ships_survives_being_saved_again(name: str, tmp_path: Path) -> None:
    Manifest.load(find_manifest(name)).save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == find_manifest(name).read_bytes()


def test_lite2_is_a_manifest_away(graphs: GraphCache) -> None:
    model = open_model(find_manifest("lite2"), cache=graphs)
    model.check()
    assert (model.card.input_pixels, model.card.raw_dimension, model.space.dimension) == (260, 1280, 384)
    maps = model.look(waves(260, 260)[None]).maps
    assert maps is not None
    assert maps.shape == (1, 1280, 9, 9)


def changed(**changes: Any) -> Manifest:
    return manifest(**changes)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (changed(outputs=Outputs(features="embeddings")), "no output 'embeddings'; it has image_embeds"),
        (changed(input=Input(name="pixels", pixels=SIDE)), "it takes"),
        (changed(input=Input(name="pixel_values", pixels=SIDE, dtype="uint8")), "it takes"),
        (changed(input=Input(name="pixel_values", pixels=64)), "does not take two pictures of 64x64"),
        (changed(input=Input(name="pixel_values", pixels=SIDE, layout="NHWC")), "does not take"),
        (changed(outputs=Outputs(features="image_embeds", map="image_embeds")), "rows, columns"),
    ],
)
def test_a_graph_that_is_not_as_its_manifest_says_is_refused(given: Manifest, words: str, tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx")
    with pytest.raises(Refused, match=words) as caught:
        open_manifest(given, tmp_path)
    assert caught.value.reason == "MODEL_WRONG"


def test_a_map_of_another_type_is_refused(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx", regions=True)
    path = tmp_path / "tower.onnx"
    graph = onnx.load(path)
    graph.graph.node.append(onnx.helper.make_node("Cast", ["map"], ["half"], to=onnx.TensorProto.FLOAT16))
    graph.graph.output.append(onnx.helper.make_tensor_value_info("half", onnx.TensorProto.FLOAT16, ["n", 10, 4, 4]))
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(Refused, match="half is float16"):
        open_manifest(manifest(outputs=Outputs(features="image_embeds", map="half")), tmp_path)


def test_features_that_are_not_the_mean_of_the_map_are_refused(tmp_path: Path) -> None:
    """Evidence would not add up."""
    tower(tmp_path / "tower.onnx", regions=True)
    outputs = Outputs(features="image_embeds", map="map")
    path = tmp_path / "tower.onnx"
    graph = onnx.load(path)
    graph.graph.node[3].op_type = "GlobalMaxPool"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(Refused, match="not the mean of map"):
        open_manifest(manifest(outputs=outputs), tmp_path)


def test_what_is_not_fitted_or_not_there_or_changed_says_what_to_do(tmp_path: Path) -> None:
    unfitted = tmp_path / "tower.json"
    manifest().save(unfitted)
    with pytest.raises(Refused, match=r"services\.embedder\.fit --model"):
        open_model(unfitted)
    with pytest.raises(Refused, match="cannot be read"):
        open_manifest(manifest(), tmp_path)
    with pytest.raises(Refused, match="cannot be read"):
        open_model(tmp_path / "nowhere.json")
    with pytest.raises(Refused, match="lite0, lite2"):
        find_manifest("resnet50")
    tower(tmp_path / "tower.onnx")
    path = fitted(tmp_path, manifest())
    tower(tmp_path / "tower.onnx", seed=1)
    with pytest.raises(Refused, match="SHA-256"):
        open_model(path)
    (tmp_path / "tower.onnx").write_bytes(b"no graph")
    with pytest.raises(Refused, match="cannot load"):
        open_manifest(manifest(), tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"licence": None}, "licence"),
        ({"blocks": []}, "blocks"),
        ({"size": 3}, "size"),
        ({"input": {"pixels": 8}}, "input.pixels"),
        ({"blocks": [{"name": "content", "kind": "classifier", "dimension": 8}]}, "needs a checkpoint"),
        ({"blocks": [{"name": "style", "kind": "style", "dimension": 8}]}, "needs outputs.texture"),
        ({"blocks": [{"name": "colour", "kind": "colour", "dimension": 8}]}, "64 dimensions"),
        ({"blocks": [{"name": "content", "kind": "features", "dimension": 3, "mean": [0, 1]}]}, "3 finite numbers"),
        ({"blocks": [{"name": "c", "kind": "features", "dimension": 2, "mean": [0, float("nan")]}]}, "finite"),
        ({"blocks": [{"name": "c", "kind": "features", "dimension": 1, "deviation": [0.0]}]}, "above 0"),
    ],
)
def test_a_wrong_manifest_names_the_field(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    manifest().save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(Refused, match=words) as caught:
        Manifest.load(path)
    assert caught.value.reason == "MANIFEST_WRONG"


def test_another_provider_than_there_is_is_refused_by_name(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx")
    with pytest.raises(Refused, match="has no MadeUpExecutionProvider; it has"):
        open_manifest(manifest(), tmp_path, providers=["MadeUpExecutionProvider", "CPUExecutionProvider"])


def test_a_canary_that_is_off_is_not_served(tmp_path: Path) -> None:
    tower(tmp_path / "tower.onnx")
    path = fitted(tmp_path, manifest())
    read = json.loads(path.read_text())
    read["canary"]["graph"] = read["canary"]["graph"][::-1]
    path.write_text(json.dumps(read))
    with pytest.raises(NotReady, match="canary"):
        open_model(path).check()


class TestFit:
    """The command that makes a manifest ready."""

    def test_it_fits_the_pictures_below_folders_and_names_what_it_leaves_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(fit, "_LEAST_PICTURES", 12)
        tower(tmp_path / "tower.onnx")
        manifest().save(tmp_path / "tower.json")
        pictures = tmp_path / "pictures"
        (pictures / "below").mkdir(parents=True)
        for seed in range(12):
            folder = pictures / "below" if seed % 2 else pictures
            (folder / f"{seed}.JPG").write_bytes(jpeg(seed, 160, 160))
        (pictures / "broken.jpg").write_bytes(jpeg(3)[:200])
        (pictures / "small.png").write_bytes(encode(Image.fromarray(waves(149, 300)), "PNG"))
        (pictures / "notes.txt").write_text("no picture")
        assert fit.main(["--model", str(tmp_path / "tower.json"), "--source", "waves", str(pictures)]) == 0
        told = capsys.readouterr()
        assert "broken.jpg" in told.err
        assert "small.png" in told.err
        assert "12 pictures" in told.out
        model = open_model(tmp_path / "tower.json")
        model.check()
        again = Manifest.load(tmp_path / "tower.json")
        assert again.fit
        assert (again.fit.source, again.fit.pictures) == ("waves", 12)

    def test_too_few_pictures_are_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "one.jpg").write_bytes(jpeg(0, 160, 160))
        with pytest.raises(SystemExit):
            fit.main([str(tmp_path), "--source", "one", "--out", str(tmp_path / "out.json")])
        assert "at least" in capsys.readouterr().err
        assert not (tmp_path / "out.json").exists()

    def test_folders_are_read_in_one_order(self, tmp_path: Path) -> None:
        for name in ("b", "a"):
            (tmp_path / f"{name}.jpg").write_bytes(jpeg(ord(name), 160, 160))
        found = fit.read_folders([tmp_path], SIDE, io.StringIO())
        assert found.shape == (2, SIDE, SIDE, 3)

    def test_a_checkpoint_is_fitted_whole(self, graphs: GraphCache) -> None:
        pictures = np.stack([waves(224, 224, seed) for seed in range(70)])
        made = fit.fit(Manifest.load(find_manifest("lite0")), MODELS, pictures, "seventy waves")
        assert all(plan.fitted for plan in made.blocks)
        model = open_manifest(fit.with_canary(made, MODELS), MODELS, precision="fp32", cache=graphs)
        model.check()
        content = model.embed(pictures)[:, :256]
        assert np.linalg.norm(content.mean(axis=0)) < 0.1


def test_the_graph_can_be_had_as_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lite0.onnx"
    assert export.main([str(file)]) == 0
    assert "int8" in capsys.readouterr().out
    graph = onnx.load(file)
    assert [each.name for each in graph.graph.output] == ["features", "map", "activity", "texture"]
