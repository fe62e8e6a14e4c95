"""The ring of secrets that people are filed under: given by the settings, or one made once and kept in Redis.

One that is kept beside the data hides people from whoever sees key names only; one from the settings also from whoever
holds a copy of the data and wants to test a guess. Either way the fingerprint of the present one is kept, for under
another secret nobody would be found, and everybody would silently be new.

The first of the ring is the present one. Who is found under another is moved, and that one goes from the settings when
everybody was heard of or their retention has ended. Replicas that disagree about the order of a ring move people to and
fro, and lose nobody.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from redis.cluster import RedisCluster

from services.errors import Refused
from services.profile.filing.keys import SECRET, Keys, fingerprint

SECRET_BYTES = 32


def agreed_keys(client: Any, given: str, formerly: Sequence[str] = ()) -> Keys:
    """Keys from the secret `given` by the settings, or else from the one in Redis, which the first service makes; and
    from those that were given `formerly`.

    Raises Refused when the people in this Redis are filed under none of them, and for a ring of several in a cluster,
    where nobody can be moved in one step; redis.RedisError.
    """
    made, present = client.hmget(SECRET, "made", "fingerprint")
    if not given and present and not made:
        raise Refused(
            "the people in this Redis are filed under a VISREC_PROFILE_SECRET: set it", reason="SECRET_MISSING"
        )
    if not given and not made:
        client.hsetnx(SECRET, "made", secrets.token_bytes(SECRET_BYTES))
        made = client.hget(SECRET, "made")
    words = [given, *formerly] if given else []
    ring = {fingerprint(secret): secret for secret in [*(word.encode() for word in words), *([made] if made else [])]}
    first = next(iter(ring))
    client.hsetnx(SECRET, "fingerprint", first)
    if client.hget(SECRET, "fingerprint") not in ring:
        raise Refused(
            "the people in this Redis are filed under another secret than VISREC_PROFILE_SECRET: set that one, or name "
            "it in VISREC_PROFILE_OLD_SECRETS to move them",
            reason="SECRET_CHANGED",
        )
    if len(ring) > 1 and isinstance(client, RedisCluster):
        raise Refused("several secrets need a single Redis: a cluster moves nobody in one step", reason="SECRET_RING")
    # Before there was a ring, ids went with the secret of that time. Of several who begin at once the first decides.
    chosen = present if present in ring else first
    client.hsetnx(SECRET, "ids", chosen)
    ids = client.hget(SECRET, "ids")
    if ids not in ring:
        ids = chosen
        client.hset(SECRET, "ids", ids)
    client.hset(SECRET, "fingerprint", first)
    return Keys(ring[first], [secret for name, secret in ring.items() if name != first], ring[ids])
