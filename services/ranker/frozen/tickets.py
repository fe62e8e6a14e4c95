"""Names of frozen results and their pages, as callers hold them.

A name is random. Where the result is filed (a person's pseudonym) stands in it encrypted, so that one look-up finds it
and nobody learns the pseudonym; a page token adds a place. Both are sealed with a key that the replicas share, so one
that was made up is told from one whose result is gone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

NAME_BYTES = 16
"""Random: 128 bits that nobody guesses."""

KEY_BYTES = 32
_SEAL_BYTES = 8


@dataclass(frozen=True)
class Ticket:
    """Where a result is kept. `owner`: the pseudonym of a person, empty for nobody in particular."""

    name: bytes
    owner: str

    @property
    def record(self) -> str:
        """The name that the store knows."""
        return self.name.hex()


@dataclass(frozen=True)
class Page:
    """The next page of a result begins behind `offset` items and has `n`."""

    ticket: Ticket
    offset: int
    n: int


class Tickets:
    """`key`: KEY_BYTES random bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def recommendation_id(self, ticket: Ticket) -> str:
        """At most 120 letters that may stand in a URL, for an owner of at most 64."""
        return _letters(self._sealed(ticket))

    def page_token(self, page: Page) -> str:
        """The same, with a place."""
        return self._token(self._sealed(page.ticket), page)

    def both(self, page: Page) -> tuple[str, str]:
        """Name and token of a page, with half of the work done once."""
        sealed = self._sealed(page.ticket)
        return _letters(sealed), self._token(sealed, page)

    def _token(self, sealed: bytes, page: Page) -> str:
        told = sealed + bytes((page.offset, page.n))
        return _letters(told + self._seal(b"page", told))

    def read_id(self, recommendation_id: str) -> Ticket | None:
        """None for what `recommendation_id` has not made."""
        return self._opened(_bytes(recommendation_id))

    def read_token(self, page_token: str) -> Page | None:
        """None for what `page_token` has not made."""
        told = _bytes(page_token)
        sealed, seal = told[:-_SEAL_BYTES], told[-_SEAL_BYTES:]
        ticket = self._opened(sealed[:-2])
        if ticket is None or not hmac.compare_digest(seal, self._seal(b"page", sealed)):
            return None
        return Page(ticket, offset=sealed[-2], n=sealed[-1])

    def _sealed(self, ticket: Ticket) -> bytes:
        told = ticket.name + self._masked(ticket.name, ticket.owner.encode())
        return told + self._seal(b"name", told)

    def _opened(self, sealed: bytes) -> Ticket | None:
        told, seal = sealed[:-_SEAL_BYTES], sealed[-_SEAL_BYTES:]
        if len(told) < NAME_BYTES or not hmac.compare_digest(seal, self._seal(b"name", told)):
            return None
        name = told[:NAME_BYTES]
        return Ticket(name, self._masked(name, told[NAME_BYTES:]).decode())

    def _masked(self, name: bytes, text: bytes) -> bytes:
        """Encrypts, and decrypts: names never come twice, so neither does the stream that is laid over the text."""
        stream = hashlib.shake_256(self._key + name).digest(len(text))
        return (int.from_bytes(text) ^ int.from_bytes(stream)).to_bytes(len(text))

    def _seal(self, purpose: bytes, told: bytes) -> bytes:
        return hashlib.blake2b(told, key=self._key, digest_size=_SEAL_BYTES, person=purpose).digest()


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(letters: str) -> bytes:
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
