"""The README's generated table is replaced between its markers, and nowhere else."""

from __future__ import annotations

import pytest

from tooling.readme import BEGIN, END, with_settings


def test_the_table_is_replaced_and_the_rest_is_kept() -> None:
    readme = f"before\n{BEGIN}\n\nold\n\n{END}\nafter\n"

    assert with_settings(readme, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_writing_the_same_table_again_changes_nothing() -> None:
    once = with_settings(f"{BEGIN}{END}", "table")

    assert with_settings(once, "table") == once


@pytest.mark.parametrize("readme", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"])
def test_markers_that_do_not_enclose_one_place_are_refused(readme: str) -> None:
    with pytest.raises(ValueError, match="needs one line"):
        with_settings(readme, "table")
