"""A server that is 150 ms away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from loraloop import Client, Plan
from tests.server import LoraloopServer

ONE_WAY_SECONDS = 0.075
COUNT = 6_000


class Distance:
    """A TCP proxy that keeps everything for a while; counts what comes back."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self.received = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,))
        self._thread.start()
        self.address = ready.result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, ready: Future[str]) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        ready.set_result(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        self._loop.run_forever()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._carry(reader, far_writer, False), self._carry(far_reader, writer, True))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: bool) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(4096)

        async def deliver() -> None:
            while (arrived := await waiting.get())[1]:
                await asyncio.sleep(max(0.0, arrived[0] + ONE_WAY_SECONDS - time.monotonic()))
                writer.write(arrived[1])
                await writer.drain()
            writer.close()

        delivering = asyncio.create_task(deliver())
        while data := await reader.read(65_536):
            self.received += len(data) if counts else 0
            await waiting.put((time.monotonic(), data))
        await waiting.put((0.0, b""))
        await delivering


@pytest.fixture
def distance(server: LoraloopServer) -> Iterator[Distance]:
    distance = Distance(server.address)
    yield distance
    distance.close()


def test_packed_frames_bring_the_same_in_a_fraction_of_the_bytes(server: LoraloopServer, distance: Distance) -> None:
    plan = Plan(seed=1, shuffle=True)
    spec = {"collection": "far", "format": "text"}
    with Client(server.address, server.token) as near:
        near.ingest("far", ({"id": f"{index:05d}", "text": f"{index} " + "weit weg " * 200} for index in range(COUNT)))
        samples = list(near.stream(spec=spec, plan=plan))
    with Client(distance.address, server.token) as far:
        started = time.monotonic()
        assert next(far.stream(spec=spec, plan=plan, compression="zstd")) == samples[0]
        # Connection, settings and the request; nothing is asked twice.
        assert time.monotonic() - started < 10 * 2 * ONE_WAY_SECONDS
        before = distance.received
        assert list(far.stream(spec=spec, plan=plan, compression="zstd")) == samples
    assert distance.received - before < COUNT * 1_800 / 4
