"""kill -9 of the server in the middle: nothing lost, nothing repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import loraloop
from loraloop import Client
from tests.server import LoraloopServer

COUNT = 4_000
SPEC = {"collection": "texts", "format": "text", "quality": {"skip_duplicates": True}}


def records() -> Iterator[dict[str, Any]]:
    for index in range(COUNT):
        yield {"id": f"{index:05d}", "text": f"{index} " + "some words " * 180}


@pytest.fixture
def client(mortal: LoraloopServer) -> Iterator[Client]:
    with Client(mortal.address, mortal.token) as client:
        yield client


def test_an_ingest_goes_on(mortal: LoraloopServer, client: Client) -> None:
    kills = {2_000}

    def kill(progress: loraloop.IngestResult) -> None:
        if progress.record_count in kills:
            kills.remove(progress.record_count)
            mortal.kill()
            mortal.start()

    result = client.ingest("texts", records(), progress=kill)
    assert not kills
    assert (result.record_count, result.kept_count, result.errors) == (COUNT, COUNT, [])
    assert [stored.id for stored in client.list("texts")] == [f"{index:05d}" for index in range(COUNT)]


@pytest.mark.parametrize("sealed", [False, True], ids=["while it is built", "sealed"])
def test_a_stream_goes_on(mortal: LoraloopServer, client: Client, sealed: bool) -> None:
    client.ingest("texts", records())
    if sealed:
        client.snapshots.wait(client.snapshots.build(spec=SPEC).key)
    ends = {1: mortal.kill, 1_500: mortal.stop}
    numbers = []
    stream = client.stream(spec=SPEC)
    for sample in stream:
        numbers.append(int(sample["text"].split(" ", 1)[0]))
        if len(numbers) in ends:
            ends.pop(len(numbers))()
            mortal.start()
    assert not ends
    assert numbers == list(range(COUNT))
    assert stream.statistics is not None
    assert stream.statistics.sample_count == COUNT


def test_a_run_is_told_once_the_server_is_back(mortal: LoraloopServer, client: Client) -> None:
    client.ingest("texts", [{"id": "one", "text": "one"}])
    with Client(mortal.address, mortal.token, timeout=1) as hasty, hasty.runs.open("told", spec=SPEC) as run:
        mortal.kill()
        back = threading.Timer(2, mortal.start)
        back.start()
        run.report_progress(step=1, epoch=0, next_index=1, metrics={"loss": 0.5})
        back.join()
        run.report_losses(0, [0], [0.5])
        info = client.runs.get("told")
    assert (info.consumed, info.metrics) == (loraloop.RunPosition(0, 1, 1), {"loss": 0.5})
    assert info.epochs[0].loss_count == 1
