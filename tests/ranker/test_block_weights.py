from __future__ import annotations

import pytest

from services.ranker.scenes.scene import DEFAULT_SCENE, SCENES, Scene, block_weights
from services.spaces import Block, Space

CONTENT, KIND, COLOUR = Block("content", 4, 1.0), Block("kind", 2, 0.75), Block("colour", 2, 0.3)


def space(*blocks: Block) -> Space:
    return Space("visual@0123456789abcdef", blocks)


@pytest.mark.parametrize(("scene", "content", "kind"), [(DEFAULT_SCENE, 1.0, 0.75), ("art", 0.5, 0.375)])
def test_a_learned_block_counts_as_much_beside_content_as_by_default(scene: str, content: float, kind: float) -> None:
    found = block_weights(SCENES[scene], {}, space(CONTENT, KIND, COLOUR))
    assert found == {"content": content, "kind": kind, "colour": SCENES[scene].blocks["colour"]}


def test_a_scene_that_names_it_decides() -> None:
    scene = Scene("mine", "", SCENES["shop"].signals, {"content": 1.0, "kind": 0.0})
    assert block_weights(scene, {}, space(CONTENT, KIND)) == {"content": 1.0, "kind": 0.0}


def test_a_request_that_names_blocks_decides() -> None:
    assert block_weights(SCENES["shop"], {"colour": 1.0}, space(CONTENT, KIND, COLOUR)) == {"colour": 1.0}


def test_without_content_there_is_nothing_to_go_by() -> None:
    assert block_weights(SCENES["shop"], {}, space(KIND, COLOUR)) == {"colour": 0.3}
