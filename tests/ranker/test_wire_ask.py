"""What is kept of a request."""

from __future__ import annotations

from services.ranker.wire.ask import decode_ask
from visrec.v1 import common_pb2, ranker_pb2

FIELD_OF_TOMORROW = b"\xfa\xff\x03\x06secret"
"""Field 8191, of a contract that this service does not know."""


def tomorrows() -> ranker_pb2.RecommendRequest:
    """A request with a field of tomorrow in every message of it."""
    passing = common_pb2.Filter.FromString(
        common_pb2.Filter(must=[common_pb2.Condition(field="domain")]).SerializeToString() + FIELD_OF_TOMORROW
    )
    seed = ranker_pb2.Seed.FromString(ranker_pb2.Seed(item_id="coat").SerializeToString() + FIELD_OF_TOMORROW)
    request = ranker_pb2.RecommendRequest(catalogue="shop", user_id="ann", seeds=[seed], filter=passing)
    return ranker_pb2.RecommendRequest.FromString(request.SerializeToString() + FIELD_OF_TOMORROW)


def test_what_is_kept_has_nothing_personal_and_nothing_unknown() -> None:
    assert tomorrows().SerializeToString().count(b"secret") == 3
    ask = decode_ask(tomorrows(), 0.0)
    kept = ranker_pb2.RecommendRequest.FromString(ask.asked)
    assert b"secret" not in ask.asked
    assert (kept.catalogue, kept.user_id, kept.seeds[0].item_id) == ("shop", "", "coat")
    assert kept.filter.must[0].field == "domain"


def test_the_indexer_is_given_the_filter_as_it_is() -> None:
    passing = decode_ask(tomorrows(), 0.0).filter
    assert isinstance(passing, common_pb2.Filter)
    assert b"secret" in passing.SerializeToString()
