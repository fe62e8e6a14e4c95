"""Redis over TLS, as VISREC_REDIS_URL says it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import NotReady
from services.runtime.redis import open_redis, redis_errors
from services.runtime.redis_facts import inspect_redis
from services.runtime.settings import RuntimeSettings
from tests.redis_servers import free_port, server_over_tls, started

KEYS = Path(__file__).parent / "certificates"
CA, CERTIFICATE, KEY = KEYS / "ca.pem", KEYS / "leaf.pem", KEYS / "leaf.key"

USER = "profile reset on >PASSWORD ~visrec:* +@all"


@pytest.fixture(params=["no", "yes"], ids=["any caller", "callers with a certificate"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    server = server_over_tls()
    if server is None:
        pytest.skip("no redis-server of this machine was built with TLS (Debian: apt install redis-server)")
    port = free_port()
    tls = ["--tls-port", str(port), "--tls-cert-file", str(CERTIFICATE), "--tls-key-file", str(KEY)]
    tls += ["--tls-ca-cert-file", str(CA), "--tls-auth-clients", request.param]
    with started(tmp_path / "redis", *tls, "--user", *USER.split(), server=server):
        yield port


def at(runtime: RuntimeSettings, port: int, **options: object) -> RuntimeSettings:
    words = "&".join(f"{name}={value}" for name, value in options.items())
    return runtime.model_copy(update={"redis_url": f"rediss://profile:PASSWORD@127.0.0.1:{port}/0?{words}"})


def test_a_user_is_served_over_tls(runtime: RuntimeSettings, port: int) -> None:
    settings = at(runtime, port, ssl_ca_certs=CA, ssl_certfile=CERTIFICATE, ssl_keyfile=KEY)
    with open_redis(settings) as client:
        inspect_redis(client)
        assert client.set("visrec:a", "x")


def test_a_server_that_nobody_vouches_for_is_not_talked_to(runtime: RuntimeSettings, port: int) -> None:
    """By default the authorities of the system are asked."""
    settings = at(runtime, port, ssl_certfile=CERTIFICATE, ssl_keyfile=KEY)
    with open_redis(settings) as client, pytest.raises(NotReady), redis_errors:
        client.ping()


def test_plain_text_is_not_understood(runtime: RuntimeSettings, port: int) -> None:
    settings = at(runtime, port)
    plain = settings.model_copy(update={"redis_url": settings.redis_url.replace("rediss:", "redis:")})
    with open_redis(plain) as client, pytest.raises(NotReady), redis_errors:
        client.ping()
