"""Spaces between the contract and the domain, the one thing that all four services send each other."""

from __future__ import annotations

from services.spaces import Block, Space
from visrec.v1 import common_pb2


def decode_space(message: common_pb2.Space) -> Space:
    """Raises InvalidInput for a space that cannot be."""
    return Space(message.name, tuple(Block(b.name, b.dimension, b.default_weight) for b in message.blocks))


def encode_space(space: Space) -> common_pb2.Space:
    """The message of a space."""
    blocks = [
        common_pb2.Block(name=block.name, dimension=block.dimension, default_weight=block.default_weight)
        for block in space.blocks
    ]
    return common_pb2.Space(name=space.name, blocks=blocks)
