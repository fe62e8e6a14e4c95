"""What all services send each other survives the way through the contract."""

from __future__ import annotations

import pytest

from services.errors import InvalidInput
from services.runtime.wire import decode_space, encode_space
from services.spaces import Block, Space
from visrec.v1 import common_pb2


def test_a_space_survives_the_contract() -> None:
    space = Space("visual@0123abcd", (Block("content", 12), Block("colour", 4, 0.5)))
    assert decode_space(encode_space(space)) == space


def test_a_space_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match="family@digest"):
        decode_space(common_pb2.Space(name="visual"))
