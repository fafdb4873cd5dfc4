"""The asyncio client: streams and runs of the real server, and frames as a test wrote them down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

import loraloop
from loraloop import Client, Plan, aio
from loraloop.export.v1 import export_service_pb2 as pb
from tests.conftest import Scripted
from tests.scripted import ScriptedError, Step, batch, footer, header
from tests.server import LoraloopServer

COUNT = 900
PLAN = Plan(seed=3, shuffle=True, global_batch_size=8)
TEXTS = [f"sample {index}" for index in range(5)]


@pytest.fixture(scope="module")
def where(server: LoraloopServer) -> Iterator[tuple[str, str]]:
    with Client(server.address, server.token) as client:
        client.ingest("aio", ({"id": f"{index:03d}", "text": f"{index} " + "x" * 900} for index in range(COUNT)))
        client.datasets.put("aio", {"collection": "aio", "format": "text"})
        yield server.address, server.token


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def test_streams_are_those_of_the_other_client(where: tuple[str, str]) -> None:
    with Client(*where) as plain:
        whole = list(plain.stream("aio", plan=PLAN, with_ids=True))
        state = plain.stream("aio", plan=PLAN, resume={**plain.stream("aio", plan=PLAN).state_dict(), "next_index": 80})

    async def work() -> None:
        async with aio.Client(*where) as client:
            assert [sample async for sample in client.stream("aio", plan=PLAN, with_ids=True)] == whole
            packed = client.stream("aio", plan=PLAN, compression="zstd", with_ids=True, resume=state.state_dict())
            first = await anext(packed)
            assert packed.position == loraloop.Position(80, first["record_id"])
            async for frame in packed.batches():
                assert frame.indices[0] == 81
                break
            assert (await packed.state_dict())["next_index"] > 81
            ranks = [client.stream("aio", plan=PLAN, rank=rank, world_size=2, with_ids=True) for rank in range(2)]
            parts = await asyncio.gather(*(collect(rank) for rank in ranks))
            assert sorted(parts[0] + parts[1], key=lambda sample: int(sample["index"])) == whole
            assert ranks[0].statistics is not None

    run(work())


async def collect(stream: aio.SampleStream) -> list[loraloop.Sample]:
    async with stream:
        return [sample async for sample in stream]


def test_goes_on_after_the_last_sample_received(scripted: Scripted) -> None:
    cut = ScriptedError(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", retry_after=0.01)
    _, export = scripted([header(), batch(0, 3), cut], [header(3), batch(3, 2), footer([batch(3, 2)], 5)])

    async def work() -> None:
        async with aio.Client(export.address, "token") as client:
            assert [sample["text"] async for sample in client.stream("d")] == TEXTS

    run(work())
    assert export.requests[1].resume.next_index == 3


def test_what_was_not_sent_and_final_errors_are_refused(scripted: Scripted) -> None:
    _, export = scripted([header(), batch(1, 3)], [ScriptedError(grpc.StatusCode.NOT_FOUND, "DATASET_NOT_FOUND")])

    async def work() -> None:
        async with aio.Client(export.address, "token") as client:
            with pytest.raises(loraloop.ContentDamagedError, match="index 1 came where 0 was due"):
                await collect(client.stream("d"))
            with pytest.raises(loraloop.NotFoundError):
                await collect(client.stream("d"))
            stream = client.stream("d")
            stream.close()
            with pytest.raises(loraloop.ClosedError):
                await anext(stream)

    run(work())
    assert len(export.requests) == 2


def test_a_cancelled_task_loses_nothing(scripted: Scripted) -> None:
    def stalled() -> Iterator[Step]:
        yield header()
        yield batch(0, 3)
        while export.ended == 0:
            yield pb.StreamSamplesResponse(checkpoint=pb.Checkpoint())

    _, export = scripted(stalled(), [header(3), batch(3, 2), footer([batch(3, 2)], 5)])

    async def work() -> None:
        async with aio.Client(export.address, "token") as client:
            stream = client.stream("d")
            seen: list[str] = []

            async def read() -> None:
                async for sample in stream:
                    seen.append(sample["text"])

            reading = asyncio.create_task(read())
            while len(seen) < 3:
                await asyncio.sleep(0.01)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await read()
            assert seen == TEXTS

    run(work())


def test_runs(where: tuple[str, str]) -> None:
    async def work() -> None:
        async with aio.Client(*where) as client:
            async with await client.runs.open("aio", dataset="aio", plan=PLAN) as training:
                watching = asyncio.create_task(states(training))
                await training.report_progress(step=1, epoch=0, next_index=8, metrics={"loss": 2.0})
                await training.report_losses(0, [0, 1], [1.0, 2.0])
                assert [pair async for pair in client.runs.losses("aio", 0)] == [(0, 1.0), (1, 2.0)]
                plan = await training.close_epoch(0)
                assert plan.spec.epoch == 1
                count = [sample async for sample in client.stream(run="aio", epoch=1)]
                assert len(count) == COUNT
            assert (await watching)[-1] == "SUCCEEDED"
            assert "aio" in [info.id async for info in client.runs.list()]
            with pytest.raises(KeyError):
                async with await client.runs.open("aio-failed", dataset="aio"):
                    raise KeyError
            assert (await client.runs.get("aio-failed")).state == "FAILED"

    run(work())


async def states(training: aio.Run) -> list[str]:
    return [info.state async for info in training.watch()]


def test_a_watch_outlasts_any_number_of_restarts(mortal: LoraloopServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Any = SimpleNamespace(hours=0, monotonic=lambda: time.monotonic() + clock.hours * 3600)
    monkeypatch.setattr("loraloop._backoff.time", clock)
    spec = {"collection": "lessons", "format": "text"}
    with Client(mortal.address, mortal.token) as plain:
        plain.upsert("lessons", [{"id": "1", "text": "lesson"}])

    async def work() -> None:
        async with aio.Client(mortal.address, mortal.token) as client:
            training = await client.runs.open("watched", spec=spec, lease_seconds=86_400)
            watch = training.watch()
            assert (await anext(watch)).state == "OPEN"
            for _ in range(2):
                clock.hours += 1
                mortal.kill()
                mortal.start()
                assert (await anext(watch)).state == "OPEN"
            await training.close()
            assert [info.state async for info in watch][-1] == "SUCCEEDED"

    run(work())
