"""The work behind mosec (github.com/mosecorg/mosec), set up as its documentation does it for such a model: two worker
processes, batches of at most 8, gathered for at most 2 ms. `python -m bench.embedder.peers.mosec_server --port …`."""

from __future__ import annotations

from mosec import Server, Worker

from bench.embedder.peers.hand import network_of_environment

WORKERS = 2
MAX_BATCH = 8
MAX_WAIT_MS = 2


class Embed(Worker):  # type: ignore[misc]  # mosec is not in the environment that types are checked in
    """Bytes of a photo in, 1280 float32 out."""

    resp_mime_type = "application/octet-stream"

    def __init__(self) -> None:
        super().__init__()
        self._network = network_of_environment()

    def deserialize(self, data: bytes) -> bytes:
        """The body as it is."""
        return data

    def forward(self, data: list[bytes]) -> list[bytes]:
        """A batch."""
        return [row.tobytes() for row in self._network.embed(data)]

    def serialize(self, data: bytes) -> bytes:
        """The body as it is."""
        return data


if __name__ == "__main__":
    server = Server()
    server.append_worker(Embed, num=WORKERS, max_batch_size=MAX_BATCH, max_wait_time=MAX_WAIT_MS)
    server.run()
