"""The process around a service: settings, server, channels, errors on the wire, telemetry, Redis."""
