"""Why a measurement has no figures."""


class BenchFailed(Exception):
    """Nothing could be measured, or what was measured means nothing; the message says why and, if known, what to do."""
