from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pytest

from loraloop import Client
from tests.scripted import Ingest, Server, Step


class Scripted(Protocol):
    def __call__(
        self, *scripts: Iterable[Step], ingest: Ingest | None = None, patience: float = 10.0
    ) -> tuple[Client, Server]: ...


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Starts a server whose n-th stream follows the n-th script."""
    started: list[tuple[Client, Server]] = []

    def start(*scripts: Iterable[Step], ingest: Ingest | None = None, patience: float = 10.0) -> tuple[Client, Server]:
        server = Server(scripts, ingest)
        client = Client(server.address, "token", timeout=2.0, patience=patience)
        started.append((client, server))
        return client, server

    yield start
    for client, server in started:
        client.close()
        server.stop()
