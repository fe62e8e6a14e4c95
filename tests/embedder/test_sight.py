"""Looking here and in a process of its own: the same answers, and what only a process can survive."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from services.embedder.eye import Bounds
from services.embedder.framing import Box
from services.embedder.images import Limits, read_views, to_png
from services.embedder.model import canary_picture
from services.embedder.opening import prepare_manifest
from services.embedder.plan import OnnxPlan, Plan, ToyPlan, unpack
from services.embedder.room import PixelRoom
from services.embedder.seen import Seen
from services.embedder.sight import LocalSight, Picture, Sight, Sighting
from services.embedder.sight_process import ProcessSight
from services.embedder.toy import SIDE, ToyNetwork
from services.embedder.trial import tried
from services.errors import InvalidInput, InvalidPicture, NotReady, Refused, VisrecError
from tests.embedder import graphs as made
from tests.embedder.pictures import encode, image, jpeg, png_header, waves
from tests.embedder.whole import Whole

LIMITS = Limits()
PATIENCE_S = 30.0
"""A bound for what hangs, not a measure."""

BOUNDS = Bounds(LIMITS, memory_bytes=1 << 30, seconds=PATIENCE_S)

MakeProcess = Callable[..., ProcessSight]


@pytest.fixture
async def make_process() -> AsyncIterator[MakeProcess]:
    started: list[ProcessSight] = []

    def make(bounds: Bounds = BOUNDS, room: PixelRoom | None = None, plan: Plan | None = None) -> ProcessSight:
        own = {"colour": 6} if plan is None else {}
        started.append(ProcessSight(plan or ToyPlan(), own, bounds, room or PixelRoom(LIMITS.max_pixels)))
        return started[-1]

    yield make
    for sight in started:
        await sight.close()


@pytest.fixture(params=["here", "process"])
def sight(request: pytest.FixtureRequest, make_process: MakeProcess) -> Sight:
    return LocalSight(ToyNetwork()) if request.param == "here" else make_process()


async def see(sight: Sight, *pictures: Picture) -> list[Seen]:
    """What is seen, or the first refusal raised."""
    found = []
    for outcome in await sight.see(pictures):
        if isinstance(outcome, VisrecError):
            raise outcome
        found.append(outcome.seen)
    return found


def expected(picture: Picture) -> Seen:
    seen = ToyNetwork().look(read_views(picture.data, SIDE, views=picture.views, crop=picture.crop))
    return seen if picture.views == 1 else seen.mean()


@pytest.mark.parametrize("crop", [Box(0, 0, 1, 1), Box(0.1, 0.2, 0.6, 0.9)])
@pytest.mark.parametrize(("views", "regions"), [(1, False), (1, True), (3, False)])
async def test_it_sees_what_the_network_sees_in_what_images_reads(
    sight: Sight, views: int, regions: bool, crop: Box
) -> None:
    picture = Picture(jpeg(height=300, width=500), crop, views, regions)
    (found,) = await see(sight, picture)
    wanted = expected(picture)
    np.testing.assert_allclose(found.features, wanted.features, atol=1e-6)
    np.testing.assert_allclose(found.own["colour"], wanted.own["colour"], atol=1e-6)
    if regions:
        assert found.maps is not None
        np.testing.assert_array_equal(found.maps, wanted.maps)
    else:
        assert found.maps is None


async def test_several_are_looked_at_together_and_a_bad_one_fails_alone(sight: Sight) -> None:
    good = [Picture(jpeg(seed)) for seed in range(3)]
    bad = Picture(b"no picture", field="inputs[1]")
    outcomes = await sight.see([good[0], bad, good[1], good[2]])
    assert isinstance(outcomes[1], InvalidPicture)
    assert outcomes[1].field == "inputs[1].data"
    for outcome, picture in zip([outcomes[0], *outcomes[2:]], good, strict=True):
        assert isinstance(outcome, Sighting)
        np.testing.assert_allclose(outcome.seen.features, expected(picture).features, atol=1e-6)
        assert min(outcome.decode_ms, outcome.network_ms) >= 0


async def test_refusals_name_the_field_of_the_request_and_the_next_picture_is_seen(sight: Sight) -> None:
    with pytest.raises(InvalidPicture) as bad:
        await see(sight, Picture(b"no picture", field="photo"))
    assert (bad.value.field, bad.value.reason) == ("photo.data", "INVALID_PICTURE")
    with pytest.raises(InvalidInput) as crop:
        await see(sight, Picture(jpeg(), Box(0.5, 0, 0.4, 1), field="request.photo"))
    assert (crop.value.field, crop.value.reason) == ("request.photo.crop.right", "BAD_CROP")
    assert await see(sight, Picture(jpeg()))


async def test_a_bomb_is_refused_by_its_header(sight: Sight) -> None:
    with pytest.raises(InvalidPicture, match="pixels"):
        await see(sight, Picture(png_header(20_000, 20_000)))


async def test_a_large_picture_takes_its_pixels_of_the_room_and_a_small_one_does_not_ask(
    make_process: MakeProcess,
) -> None:
    taken: list[int] = []

    class Ledger(PixelRoom):
        @asynccontextmanager
        async def held(self, pixels: int) -> AsyncIterator[None]:
            taken.append(pixels)
            async with super().held(pixels):
                yield

    sight = make_process(room=Ledger(10**8))
    large = Picture(encode(Image.fromarray(waves(1, 1)).resize((2500, 2000)), "PNG"))
    small = Picture(jpeg())
    found = await see(sight, small, large, small, large)
    np.testing.assert_allclose(found[1].features, expected(large).features, atol=1e-6)
    assert taken == [5_000_000, 5_000_000]


async def test_a_process_that_is_killed_is_replaced_and_the_picture_is_seen(make_process: MakeProcess) -> None:
    sight = make_process()
    await see(sight, Picture(jpeg(1)))
    before = sight.pid
    os.kill(before, signal.SIGKILL)
    pictures = [Picture(jpeg(2)), Picture(jpeg(3))]
    for found, picture in zip(await see(sight, *pictures), pictures, strict=True):
        np.testing.assert_allclose(found.features, expected(picture).features, atol=1e-6)
    assert sight.pid != before
    assert not psutil.pid_exists(before)


async def test_a_process_that_is_killed_while_it_looks_loses_nothing(make_process: MakeProcess) -> None:
    sight = make_process()
    await see(sight, Picture(jpeg()))
    for _ in range(5):
        looking = asyncio.create_task(see(sight, *[Picture(jpeg(seed, 900, 1200)) for seed in range(4)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if sight.pid:
            os.kill(sight.pid, signal.SIGKILL)
        assert len(await looking) == 4


async def test_a_process_that_hangs_is_killed_and_the_next_picture_is_seen(make_process: MakeProcess) -> None:
    sight = make_process(Bounds(LIMITS, memory_bytes=1 << 30, seconds=0.25))
    await see(sight, Picture(jpeg()))
    hung = sight.pid
    psutil.Process(hung).suspend()
    with pytest.raises(InvalidPicture, match=r"longer than 0\.25 s"):
        await see(sight, Picture(jpeg()))
    assert not psutil.pid_exists(hung)
    assert await see(sight, Picture(jpeg()))


async def test_a_picture_that_takes_too_much_processor_time_fails_alone(make_process: MakeProcess) -> None:
    """A JPEG of 140 scans over 36 megapixels: some hundred KB, and several seconds."""
    sight = make_process(Bounds(LIMITS, memory_bytes=1 << 30, seconds=0.5))
    await sight.ready()
    busy = sight.pid
    one_scan = encode(Image.new("L", (6000, 6000), 128), "JPEG", progressive=True)
    scan = one_scan[one_scan.rindex(b"\xff\xda") : -2]
    slow = Picture(one_scan[:-2] + scan * 130 + one_scan[-2:])
    good = Picture(jpeg())
    first, second, third = await sight.see([good, slow, good])
    assert isinstance(second, InvalidPicture)
    assert "longer than 0.5 s" in second.message
    assert isinstance(first, Sighting)
    assert isinstance(third, Sighting)
    assert not psutil.pid_exists(busy)


async def test_memory_of_a_decode_is_bounded_and_the_process_lives(make_process: MakeProcess) -> None:
    sight = make_process(Bounds(LIMITS, memory_bytes=64 * 2**20, seconds=PATIENCE_S))
    await see(sight, Picture(jpeg()))
    pid = sight.pid
    with pytest.raises(InvalidPicture, match="memory"):
        await see(sight, Picture(encode(Image.new("RGBA", (6000, 6000)), "PNG")))
    assert await see(sight, Picture(jpeg()))
    assert sight.pid == pid


async def test_a_process_ends_with_its_sight_and_does_not_come_back(make_process: MakeProcess) -> None:
    sight = make_process()
    await sight.ready()
    pid = sight.pid
    await sight.close()
    assert not psutil.pid_exists(pid)
    assert sight.pid == 0
    with pytest.raises(NotReady):
        await see(sight, Picture(jpeg()))


async def test_who_gives_up_while_it_looks_leaves_no_answers_to_others(make_process: MakeProcess) -> None:
    """Frames that nobody reads would be taken for the next picture's."""
    sight = make_process()
    await see(sight, Picture(jpeg()))
    for seed in range(3):
        given_up = asyncio.create_task(see(sight, Picture(jpeg(10 + seed, 1500, 2000))))
        while not sight.pid:  # noqa: ASYNC110 - it has nothing to wait for
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        given_up.cancel()
        await asyncio.wait([given_up])
        (found,) = await see(sight, Picture(jpeg(seed)))
        np.testing.assert_allclose(found.features, expected(Picture(jpeg(seed))).features, atol=1e-6)


async def test_requests_may_come_while_it_looks_and_each_gets_its_own_answer(make_process: MakeProcess) -> None:
    """Also when the process is killed under them: the one that was first may be to blame, the others are not."""
    sight = make_process()
    pictures = [Picture(jpeg(seed, 400, 500)) for seed in range(6)]
    for kill in (False, True):
        asked = [asyncio.create_task(see(sight, picture)) for picture in pictures]
        await asyncio.sleep(0)
        if kill and sight.pid:
            os.kill(sight.pid, signal.SIGKILL)
        for (found,), picture in zip(await asyncio.gather(*asked), pictures, strict=True):
            np.testing.assert_allclose(found.features, expected(picture).features, atol=1e-6)


async def test_ctrl_c_is_for_the_parent_alone(make_process: MakeProcess) -> None:
    sight = make_process()
    await sight.ready()
    pid = sight.pid
    assert os.getpgid(pid) != os.getpgid(0)
    for sign in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, sign)
    assert await see(sight, Picture(jpeg()))
    assert sight.pid == pid


async def test_what_is_ours_is_seen_whatever_the_limits_are(make_process: MakeProcess) -> None:
    sight = make_process(Bounds(Limits(max_bytes=10, formats=("JPEG",)), memory_bytes=1 << 30, seconds=PATIENCE_S))
    canary = to_png(canary_picture(SIDE))
    assert await see(sight, Picture(canary, ours=True))
    with pytest.raises(InvalidPicture):
        await see(sight, Picture(canary))


async def test_a_process_is_told_no_secrets(make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_REDIS_URL", "redis://:password@redis")
    sight = make_process()
    await sight.ready()
    assert not [name for name in psutil.Process(sight.pid).environ() if name.startswith("VISREC_")]


async def test_a_process_that_cannot_start_is_not_ready(
    make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(NotReady, match="does not start"):
        await see(make_process(), Picture(jpeg()))


async def test_a_network_that_is_not_as_its_manifest_says_is_refused(make_process: MakeProcess, tmp_path: Path) -> None:
    made.tower(tmp_path / "tower.onnx", output="embeddings")
    plan = prepare_manifest(made.manifest(), tmp_path).plan
    with pytest.raises(Refused, match="no output 'image_embeds'"):
        await make_process(plan=plan).ready()


def test_bounds_and_plans_survive_the_way_to_another_process(tmp_path: Path) -> None:
    bounds = Bounds(Limits(1, 2, 3, 4, ("JPEG", "TIFF")), memory_bytes=None, seconds=0.5)
    assert Bounds.unpack(bounds.pack()) == bounds
    made.tower(tmp_path / "tower.onnx")
    plan = prepare_manifest(made.manifest(), tmp_path, threads=3).plan.careful()
    again = unpack(plan.pack())
    assert isinstance(again, OnnxPlan)
    assert again.pack() == plan.pack()
    assert (again.threads, again.overflows, again.graph) == (3, True, plan.graph)
    assert isinstance(unpack(ToyPlan().pack()), ToyPlan)


def test_the_canary_is_a_file_that_is_read_as_just_its_pixels() -> None:
    for side in (SIDE, 224, 260):
        np.testing.assert_array_equal(read_views(to_png(canary_picture(side)), side)[0], canary_picture(side))


async def test_an_int8_network_whose_canary_is_off_is_opened_with_care(int8: Whole, graphs: object) -> None:
    """Such as on a processor without VNNI; here the canary is another one, so neither way is right."""
    off = Whole(
        type(int8.model)(
            int8.card, int8.head, int8.model.own_blocks, -int8.head.vectors(int8.look(waves(224, 224)[None]))[0]
        ),
        int8.network,
    )
    room = PixelRoom(LIMITS.max_pixels)
    chosen: list[bool] = []

    def start(plan: Plan) -> ProcessSight:
        assert isinstance(plan, OnnxPlan)
        chosen.append(plan.overflows)
        return ProcessSight(plan, off.model.own_blocks, BOUNDS, room)

    from services.embedder.manifest import find_manifest
    from services.embedder.opening import prepare

    plan, sight = await tried(off.model, prepare(find_manifest("lite0")).plan, start)
    assert chosen == [False, True]
    assert isinstance(plan, OnnxPlan)
    assert plan.overflows
    with pytest.raises(NotReady, match="canary"):
        off.model.check((await see(sight, Picture(to_png(canary_picture(224)))))[0])
    await sight.close()


def test_a_format_is_read_when_the_limits_name_it() -> None:
    tiff = encode(image(), "TIFF")
    assert read_views(tiff, SIDE, limits=Limits(formats=("TIFF",))).any()
    with pytest.raises(InvalidPicture, match="send one of JPEG"):
        read_views(tiff, SIDE)


def test_too_many_frames_are_refused() -> None:
    frames = [Image.new("RGB", (32, 32), (40 * n, 0, 255 - 40 * n)) for n in range(6)]
    moving = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert read_views(moving, SIDE, limits=Limits(max_frames=6)).any()
    with pytest.raises(InvalidPicture, match="6 frames"):
        read_views(moving, SIDE, limits=Limits(max_frames=5))
