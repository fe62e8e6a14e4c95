"""How the ranker is put together: what its settings name has to be there and to mean something."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.errors import InvalidInput
from services.ranker.app import build
from services.ranker.settings import RankerSettings
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import Telemetry
from tests.servers import serving_async
from visrec.v1 import ranker_pb2, ranker_pb2_grpc


@pytest.mark.parametrize("setting", ["scenes", "calibration"])
@pytest.mark.parametrize("content", [None, "{ no such thing"])
async def test_a_file_that_means_nothing_is_named_with_its_setting(
    runtime: RuntimeSettings, tmp_path: Path, setting: str, content: str | None
) -> None:
    file = tmp_path / "given"
    if content is not None:
        file.write_text(content)
    settings = RankerSettings().model_copy(update={setting: file})
    with pytest.raises(InvalidInput) as refused:
        await build(settings, runtime, Telemetry())
    assert refused.value.field == f"VISREC_RANKER_{setting.upper()}"
    assert str(file) in refused.value.description


async def test_scenes_of_a_file_are_there_and_can_be_put_over(redis_runtime: RuntimeSettings, tmp_path: Path) -> None:
    file = tmp_path / "scenes.toml"
    file.write_text('[autumn]\nlike = "shop"\ndescription = "Coats first."\nsignals = { popularity = 0.5 }\n')
    settings = RankerSettings().model_copy(update={"scenes": file})
    app = await build(settings, redis_runtime, Telemetry())
    # Its canary asks the indexer, which is not there; the scenes are.
    app = type(app)(services=app.services, register=app.register, canary=_nothing, close=app.close)
    async with serving_async(app, redis_runtime) as served:
        stub: ranker_pb2_grpc.RankerServiceAsyncStub = ranker_pb2_grpc.RankerServiceStub(served.channel)
        listed = await stub.GetScenes(ranker_pb2.GetScenesRequest())
        (autumn,) = [scene for scene in listed.scenes if scene.name == "autumn"]
        assert (autumn.description, autumn.signal_weights["popularity"]) == ("Coats first.", 0.5)
        autumn.signal_weights["popularity"] = 0.75
        put = await stub.PutSignalWeights(ranker_pb2.PutSignalWeightsRequest(scene=autumn))
        assert put.weights_version == f"{listed.weights_version}+1"
        assert autumn in (await stub.GetScenes(ranker_pb2.GetScenesRequest())).scenes


async def _nothing() -> None:
    pass
