"""A model and its network in one process, for tests that look at both."""

from __future__ import annotations

from dataclasses import dataclass

from services.embedder.framing import Pixels
from services.embedder.head import Head
from services.embedder.model import Card, Model, canary_picture
from services.embedder.network import Network
from services.embedder.opening import Prepared
from services.embedder.seen import Seen
from services.embedder.toy import ToyNetwork, toy_model
from services.spaces import Float32, Space


@dataclass(frozen=True)
class Whole:
    """Embeds pixels as the service embeds photos."""

    model: Model
    network: Network

    @property
    def card(self) -> Card:
        return self.model.card

    @property
    def head(self) -> Head:
        return self.model.head

    @property
    def space(self) -> Space:
        return self.model.space

    def look(self, pixels: Pixels, *, regions: bool = True) -> Seen:
        return self.network.look(pixels)

    def embed(self, pixels: Pixels) -> Float32:
        return self.model.head.vectors(self.network.look(pixels))

    def check(self) -> None:
        self.model.check(self.network.look(canary_picture(self.network.side)[None]))


def opened(prepared: Prepared) -> Whole:
    return Whole(prepared.model, prepared.plan.open())


def toy() -> Whole:
    return Whole(toy_model(), ToyNetwork())
