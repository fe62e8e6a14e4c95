"""visrec recommend, next, shown and explain as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.conftest import Run
from tests.client.fakes.fleet import Fleet
from visrec.v1 import ranker_pb2


def test_a_recommendation_is_a_table_with_reasons(stocked: Run, services: Fleet, folder: Path) -> None:
    photo = str(folder / "chairs/red.jpg")
    code, out, _ = stocked("recommend", "--photo", photo, "-u", "anna", "--explain", "--seed", "a=-0.5", "--seed", "b")
    assert code == 0
    assert "[b]lue" in out
    assert "+0.900 photo content" in out
    assert "shows the same kind of thing" in out
    assert "left out taste: nothing is known yet" in out
    request = services.ranker.requests[-1]
    assert (request.user_id, request.explain) == ("anna", True)
    assert {seed.item_id: seed.weight for seed in request.seeds} == {"a": -0.5, "b": 1.0}


def test_a_kept_answer_is_turned_told_again_and_explained(stocked: Run, folder: Path) -> None:
    _, out, _ = stocked("recommend", "-n", "1")
    assert "kept     as shop" in out
    assert "more     visrec next shop:1" in out
    code, out, _ = stocked("next", "shop:1")
    assert (code, "red" in out) == (0, True)
    code, out, _ = stocked("shown", "shop")
    assert (code, "shown    2027-01-15" in out) == (0, True)
    photo = str(folder / "chairs/red.jpg")
    code, out, _ = stocked("explain", "shop", "chairs/red.jpg", "--photo", photo)
    assert code == 0
    assert "photo content" in out
    assert "If popularity counted 20%, it would leave" in out
    assert "where the photo's content counts\n    \n▂▂██" in out


def test_an_answer_that_is_no_longer_kept_is_said_to_be(stocked: Run) -> None:
    for arguments in (["shown", "gone"], ["explain", "gone", "chairs/red.jpg"]):
        code, _, err = stocked(*arguments)
        assert code == 1
        assert "no answer is kept as gone; give what `visrec recommend` tells behind `kept`" in err
    code, _, err = stocked("next", "gone")
    assert code == 1
    assert "no answer has the token gone; give what `visrec recommend` tells behind `more`" in err


def test_a_page_is_turned_by_what_an_answer_is_kept_as_too(stocked: Run) -> None:
    code, out, _ = stocked("next", "shop")
    assert (code, "red" in out) == (0, True)
    assert stocked("next", "shop:2")[1] == "nothing comes behind it: all that was ranked has been shown\n"


def test_an_item_that_was_not_ranked_is_told_with_where_the_others_are(stocked: Run) -> None:
    code, _, err = stocked("explain", "shop", "nope")
    assert code == 1
    assert "nope was not ranked in this answer; `visrec shown shop` tells" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--category", "beds"], "none of 2 items passes by category; category is one of: chairs (2)"),
        # Some pass by the price alone, so the price is not what lacks.
        (["--category", "beds", "--max-price", "5"], "none of 2 items passes by category; category is one of"),
        (
            ["--domain", "beds", "--category", "beds"],
            "none of 2 items passes by category, domain; category is one of: chairs (2); no item has a domain",
        ),
        (["--exclude", "chairs/red.jpg", "--exclude", "chairs/[b]lue.jpg"], "what may be shown was excluded"),
        (["-u", "[a]", "--exclude", "chairs/red.jpg", "--exclude", "chairs/[b]lue.jpg"], "[a] has seen all"),
    ],
)
def test_an_empty_answer_says_why(stocked: Run, arguments: list[str], why: str) -> None:
    code, out, _ = stocked("recommend", *arguments)
    assert code == 0
    assert out.startswith(f"nothing found: {why}")


def test_rules_and_diversity_reach_the_ranker(stocked: Run, services: Fleet) -> None:
    stocked("recommend", "--min-price", "2", "--currency", "EUR", "--available", "--boost", "attributes.a=x=y=-0.5")
    request = services.ranker.requests[-1]
    assert [condition.field for condition in request.filter.must] == ["price", "currency"]
    assert request.rules.only_available
    (boost,) = request.rules.boosts
    assert (boost.name, boost.field, list(boost.values), boost.amount) == ("boost-1", "attributes.a", ["x=y"], -0.5)
    stocked("recommend", "--max-per-category", "2", "--max-per-group", "1", "--near-duplicates", "0.98")
    rules = services.ranker.requests[-1].rules
    assert (rules.max_per_category, rules.max_per_group, rules.near_duplicate_cosine) == (2, 1, 0.98)
    stocked("recommend", "--diversity", "0.3", "--reciprocal-rank", "--language", "zh", "--record-impressions")
    request = services.ranker.requests[-1]
    assert (request.diversity, request.fusion, request.language) == (0.3, ranker_pb2.FUSION_RECIPROCAL_RANK, "zh")
    assert request.record_impressions


def test_filters_and_weights_reach_the_ranker(stocked: Run, services: Fleet) -> None:
    stocked("recommend", "--category", "chairs", "--max-price", "5", "--signal", "taste=2", "--block", "colour=1")
    request = services.ranker.requests[-1]
    assert [condition.field for condition in request.filter.must] == ["category", "price"]
    assert dict(request.signal_weights) == {"taste": 2.0}
    assert dict(request.block_weights) == {"colour": 1.0}


def test_an_empty_answer_says_so_with_what_was_used(stocked: Run, services: Fleet) -> None:
    services.indexer.catalogues["shop"].clear()
    code, out, _ = stocked("recommend")
    assert code == 0
    assert out.startswith("nothing found: shop has no items; `visrec ingest FOLDER -c shop` brings some")
    assert "used " in out
