"""The pictures that there are on this machine, and the questions that they allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.quality import gcompris, looks, pasted, views
from bench.quality.picture import Picture
from bench.quality.question import Question
from bench.quality.shops import TABLE, Clothing, read_luma
from demo.sources import LeftOut


@dataclass(frozen=True)
class Data:
    """`left_out` says, in a line each, what is missing and why. `questions` are those that every block is asked,
    `shops` those of them whose photos come from shops: category and colour. `alike`: other views of what is there."""

    shops: list[Question] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    alike: list[Question] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def pictures(self) -> list[Picture]:
        """Everything to embed, each once."""
        return distinct([*self.questions, *self.alike])


def distinct(questions: list[Question]) -> list[Picture]:
    """The pictures of the questions, each once."""
    named = {
        each.name: each for question in questions for side in (question.queries, question.gallery) for each in side
    }
    return list(named.values())


def collect(folders: Mapping[str, Path], cache: Path, say: Callable[[str], None]) -> Data:
    """Reads `clothing` and `luma` where they are, and fetches gcompris into `cache`. Raises BenchFailed."""
    data = Data()
    present = {name for name, folder in folders.items() if (folder / TABLE).is_file()}
    data.left_out.extend(
        f"{name}: no {TABLE} in {folder} (name its folder by {name.upper()}=…)"
        for name, folder in folders.items()
        if name not in present
    )
    if not present:
        return data
    if "clothing" in present:
        clothing = Clothing.read(folders["clothing"])
        data.shops.append(Question("clothing: category", "category", clothing.queries, clothing.gallery))
        data.alike.append(views.taken_anew("clothing", clothing.queries, [*clothing.queries, *clothing.gallery]))
    luma = read_luma(folders["luma"]) if "luma" in present else []
    if luma:
        data.shops.append(Question.among("luma: category", "category", luma))
        data.shops.append(Question.among("luma: colour", "colour", luma))
        data.alike.extend([views.other_colours(luma), views.taken_anew("luma", luma, luma)])
    data.questions.extend(data.shops)
    try:
        say("Getting photos, drawings and paintings …")
        gcompris.fetch(cache)
        varied = gcompris.read(cache)
    except LeftOut as reason:
        data.left_out.append(f"medium, look, colour over photos: {reason}")
        return data
    photos = [picture for picture in varied if picture.labels["medium"] == "photo"]
    if luma:
        say("Cutting products out …")
        data.questions.extend(over_photos(luma, photos))
    data.questions.append(Question.among("gcompris: medium", "medium", varied))
    data.questions.append(Question.among("gcompris: look", "look", looks.treated(photos)))
    return data


def over_photos(products: list[Picture], photos: list[Picture]) -> list[Question]:
    """Products with a colour, pasted over photos, against all of them as they were."""
    coloured = [product for product in products if "colour" in product.labels]
    cut = list(pasted.cut_out(coloured))
    return [
        Question("… pasted over photos", "colour", pasted.in_place(cut, photos), coloured),
        Question("… smaller, anywhere", "colour", pasted.anywhere(cut, photos), coloured),
    ]
