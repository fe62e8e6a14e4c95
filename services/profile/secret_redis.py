"""The secret that people are filed under: given by the settings, or made once and kept in Redis.

One that is kept beside the data hides people from whoever sees key names only; one from the settings also from whoever
holds a copy of the data and wants to test a guess. Either way its fingerprint is kept, for under another secret nobody
would be found, and everybody would silently be new.
"""

from __future__ import annotations

import secrets
from typing import Any

from services.errors import Refused
from services.profile.keys import SECRET, Keys

SECRET_BYTES = 32


def agreed_keys(client: Any, given: str) -> Keys:
    """Keys from the secret `given` by the settings, or else from the one in Redis, which the first service makes.

    Raises Refused when the people in this Redis are filed under another secret; redis.RedisError.
    """
    made, fingerprint = client.hmget(SECRET, "made", "fingerprint")
    if not given and fingerprint and not made:
        raise Refused(
            "the people in this Redis are filed under a VISREC_PROFILE_SECRET: set it", reason="SECRET_MISSING"
        )
    if not given:
        client.hsetnx(SECRET, "made", secrets.token_bytes(SECRET_BYTES))
    keys = Keys(given.encode() if given else client.hget(SECRET, "made"))
    client.hsetnx(SECRET, "fingerprint", keys.fingerprint)
    if client.hget(SECRET, "fingerprint") != keys.fingerprint:
        raise Refused(
            "the people in this Redis are filed under another secret than VISREC_PROFILE_SECRET: set that one",
            reason="SECRET_CHANGED",
        )
    return keys
