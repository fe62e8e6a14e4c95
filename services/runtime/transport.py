"""What a server needs of the transport, sync or not: options, certificates, a port."""

from __future__ import annotations

from typing import Any

import grpc

from services.errors import InvalidInput
from services.runtime.channel import KEEPALIVE_MS, KEY, read_pem, require_loopback
from services.runtime.settings import RuntimeSettings


def server_options(runtime: RuntimeSettings) -> list[tuple[str, Any]]:
    """gRPC's arguments for a server."""
    options = [
        ("grpc.max_send_message_length", runtime.max_message_bytes),
        ("grpc.max_receive_message_length", runtime.max_message_bytes),
        # Otherwise two servers on one port both start, and share its calls at random.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        # Accept the pings of our own channels, which gRPC takes for an attack by default.
        ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    ]
    if runtime.max_connection_age_s:
        options.append(("grpc.max_connection_age_ms", round(runtime.max_connection_age_s * 1000)))
    return options


def server_credentials(runtime: RuntimeSettings) -> grpc.ServerCredentials | None:
    """What the settings say, None for plain text. Raises InvalidInput, naming the setting, when they are incomplete, a
    file cannot be read, or plain text would leave this machine unasked.
    """
    if runtime.tls_cert is None or runtime.tls_key is None:
        if runtime.tls_cert or runtime.tls_key or runtime.tls_client_ca:
            raise InvalidInput("VISREC_TLS_CERT", "TLS needs both VISREC_TLS_CERT and VISREC_TLS_KEY")
        require_loopback(runtime.host, runtime, "VISREC_TLS_CERT")
        return None
    client_ca = read_pem(runtime.tls_client_ca, "VISREC_TLS_CLIENT_CA") if runtime.tls_client_ca else None
    pair = (read_pem(runtime.tls_key, "VISREC_TLS_KEY", KEY), read_pem(runtime.tls_cert, "VISREC_TLS_CERT"))
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def bind(server: grpc.Server | grpc.aio.Server, runtime: RuntimeSettings, port: int) -> int:
    """Opens `port` (0: any) and returns its number. Raises InvalidInput when it is taken or the settings are wrong."""
    host = f"[{runtime.host}]" if ":" in runtime.host else runtime.host
    credentials = server_credentials(runtime)
    try:
        if credentials is None:
            return server.add_insecure_port(f"{host}:{port}")
        return server.add_secure_port(f"{host}:{port}", credentials)
    except RuntimeError as problem:
        raise InvalidInput("", f"cannot listen on {host}:{port}; is it in use?", reason="PORT_IN_USE") from problem
