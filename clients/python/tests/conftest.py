from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from loraloop import Client
from tests.scripted import Ingest, Server, Step
from tests.server import LoraloopServer, LoraloopUp


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoraloopServer]:
    """One server on a memory store for all tests that do not hurt it: each uses collections of its own."""
    server = LoraloopServer(tmp_path_factory.mktemp("server"), "memory")
    yield server
    server.stop()


@pytest.fixture
def client(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        yield client


@pytest.fixture(scope="module")
def sentences(server: LoraloopServer) -> Iterator[Client]:
    """A client of the server, with the records of `tests/recorded_trainers.py`."""
    # It imports torch and the trainers' libraries.
    from tests.recorded_trainers import ingest_sentences

    with Client(server.address, server.token) as client:
        ingest_sentences(client)
        yield client


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoraloopUp]:
    """All services on memory stores, for all tests that do not hurt them: each uses adapters of its own."""
    server = LoraloopUp(tmp_path_factory.mktemp("up"), "memory")
    yield server
    server.stop()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[LoraloopServer]:
    """A server of one test, on RocksDB, to be killed and started again."""
    server = LoraloopServer(tmp_path / "data", "rocksdb")
    yield server
    server.kill()


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
