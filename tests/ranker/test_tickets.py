"""Names of frozen results: they come back, tell nothing, and cannot be made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ranker.frozen.tickets import KEY_BYTES, NAME_BYTES, Page, Ticket, Tickets

TICKETS = Tickets(b"k" * KEY_BYTES)
MAX_LETTERS = 128

owners = st.text("0123456789abcdef", max_size=64)
tickets = st.builds(Ticket, st.binary(min_size=NAME_BYTES, max_size=NAME_BYTES), owners)
pages = st.builds(Page, tickets, st.integers(0, 100), st.integers(1, 100))


@given(tickets)
def test_a_name_leads_to_its_ticket(ticket: Ticket) -> None:
    name = TICKETS.recommendation_id(ticket)
    assert TICKETS.read_id(name) == ticket
    assert len(name) <= MAX_LETTERS


@given(pages)
def test_a_token_leads_to_its_page(page: Page) -> None:
    assert TICKETS.read_token(TICKETS.page_token(page)) == page


@given(st.text(max_size=200))
def test_what_was_made_up_leads_nowhere(text: str) -> None:
    assert TICKETS.read_id(text) is None
    assert TICKETS.read_token(text) is None


@given(pages, st.integers(0, 100), st.integers(1, 255))
def test_a_changed_letter_is_noticed(page: Page, at: int, change: int) -> None:
    token = TICKETS.page_token(page)
    letters = list(token)
    letters[at % len(letters)] = chr((ord(letters[at % len(letters)]) + change) % 128)
    if "".join(letters) != token:
        read = TICKETS.read_token("".join(letters))
        # The last letter may hold bits that mean nothing.
        assert read in (None, page)


@given(tickets)
def test_another_key_reads_nothing(ticket: Ticket) -> None:
    assert Tickets(b"x" * KEY_BYTES).read_id(TICKETS.recommendation_id(ticket)) is None


@given(pages)
def test_a_name_is_no_token_and_a_token_no_name(page: Page) -> None:
    assert TICKETS.read_token(TICKETS.recommendation_id(page.ticket)) is None
    assert TICKETS.read_id(TICKETS.page_token(page)) is None


def test_a_name_does_not_tell_whose_it_is() -> None:
    owner = "0123456789abcdef" * 2
    one, other = (TICKETS.recommendation_id(Ticket(bytes([at]) * NAME_BYTES, owner)) for at in (1, 2))
    assert owner not in one
    shared = sum(a == b for a, b in zip(one, other, strict=True))
    assert shared < len(one) // 2, "the owner looks different in each"
