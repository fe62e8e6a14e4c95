"""What is written by hand looks at the centre square; and the whole measurement, short."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from bench.embedder import __main__ as embedder
from bench.embedder.peers.hand import SIDE, decode
from bench.embedder.photos import enlarged
from bench.embedder.servers import FOLDER
from bench.pictures import HEIGHT, WIDTH, picture


@pytest.mark.parametrize("times", [1, 3])
def test_scaled_while_it_is_decoded_a_photo_has_nearly_the_pixels_of_a_whole_decode(times: int) -> None:
    """3 of 255 on average: the decoder's own scaling averages where resampling weighs."""
    photo = enlarged(picture(3), times)
    found = decode(photo)

    left, edge = (WIDTH - HEIGHT) * times / 2, HEIGHT * times
    whole = Image.open(io.BytesIO(photo)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, 0, left + edge, edge)
    )
    assert found.shape == (SIDE, SIDE, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - np.asarray(whole).astype(int)).mean() < 3


@pytest.mark.soak
def test_the_embedder_is_measured_beside_the_bare_loop() -> None:
    """Whatever the bars say: this machine may be busy with other tests."""
    assert embedder.main(["--alone", "--seconds", "2"]) in (0, 1)
    found = json.loads((FOLDER / "embedder.json").read_text())
    assert [each["name"] for each in found["servers"]] == ["visrec"]
    assert len(found["bare"]) == 5
    assert all(bar["figure"] > 0 for bar in found["bars"])


@pytest.mark.soak
def test_memory_is_watched_over_every_thousand_photos() -> None:
    assert embedder.main(["--soak", "--photos", "8000"]) == 0
    series = json.loads((FOLDER / "embedder-memory.json").read_text())["series"]
    assert [each["photos"] for each in series] == list(range(0, 8001, 1000))
    assert (FOLDER / "embedder-memory.svg").read_text().startswith("<svg")
