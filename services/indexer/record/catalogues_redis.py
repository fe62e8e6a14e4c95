"""Which catalogues there are: one hash in Redis, from name to definition as JSON."""

from __future__ import annotations

import json

from services.errors import NotFound
from services.indexer.definition import Definition, RandomBytes
from services.indexer.record.catalogue import Catalogue, Receipt
from services.indexer.record.catalogue_redis import RedisCatalogue
from services.indexer.record.catalogues import Catalogues, already_exists
from services.indexer.record.connection_redis import Connection, RecordRules
from services.indexer.record.packing_redis import pack_space, unpack_space
from services.runtime.redis import redis_errors
from services.runtime.redis_facts import inspect_redis

REGISTRY = "visrec:catalogues"
CANARY = "visrec:canary"
FORMAT = 2


class RedisCatalogues(Catalogues):
    """Connects when it is first used. The connection is the caller's to close."""

    def __init__(self, connection: Connection, rules: RecordRules, random_bytes: RandomBytes) -> None:
        self._connection = connection
        self._client = connection.client
        self._rules = rules
        self._random_bytes = random_bytes

    def create(self, definition: Definition, receipt: Receipt | None) -> Definition:
        catalogue = self._catalogue(definition)
        catalogue.begin()
        # The name last: a crash before leaves a few bytes that nobody finds, never half a catalogue.
        entry = _pack(definition, receipt)
        with redis_errors:
            self._client.hsetnx(REGISTRY, definition.name, entry)
            # Not its answer: a command that is sent again finds what it did itself the first time.
            known = self._client.hget(REGISTRY, definition.name)
        if known == entry:
            return definition
        catalogue.end()
        if known is None or receipt is None or json.loads(known)["receipt"] != _receipt(receipt):
            raise already_exists(definition.name)
        return _unpack(known)

    def all(self) -> list[Definition]:
        with redis_errors:
            known = self._client.hgetall(REGISTRY)
        return [_unpack(data) for _, data in sorted(known.items())]

    def open(self, definition: Definition) -> Catalogue:
        return self._catalogue(definition)

    def delete(self, definition: Definition) -> int:
        with redis_errors:
            known = self._client.hget(REGISTRY, definition.name)
        if known is None or _unpack(known) != definition:
            raise NotFound("catalogue", definition.name)
        # The name last: after a crash before, the same call again finds it and removes what is left.
        items = self._catalogue(definition).end()
        with redis_errors:
            self._connection.unregister([REGISTRY], [definition.name, known])
        return items

    def ping(self) -> None:
        inspect_redis(self._client)
        # A server that is full answers, and refuses writes.
        with redis_errors:
            self._client.set(CANARY, "sings", ex=60)

    def _catalogue(self, definition: Definition) -> RedisCatalogue:
        return RedisCatalogue(definition, self._connection, self._rules, self._random_bytes)


def _pack(definition: Definition, receipt: Receipt | None) -> bytes:
    name, blocks = pack_space(definition.space)
    fields = {
        "format": FORMAT,
        "name": definition.name,
        "space": name,
        "blocks": blocks,
        "partitions": definition.partitions,
        "created_us": definition.created_us,
        "incarnation": definition.incarnation,
        "max_items": definition.max_items,
        "receipt": _receipt(receipt),
    }
    return json.dumps(fields).encode()


def _unpack(data: bytes) -> Definition:
    fields = json.loads(data)
    if fields["format"] != FORMAT:
        raise ValueError(f"a catalogue of format {fields['format']}; this version reads format {FORMAT}")
    space = unpack_space(fields["space"], fields["blocks"])
    return Definition(
        fields["name"],
        space,
        fields["partitions"],
        fields["created_us"],
        fields["incarnation"],
        fields["max_items"],
    )


def _receipt(receipt: Receipt | None) -> list[str] | None:
    return None if receipt is None else [receipt.key, receipt.digest.hex()]
