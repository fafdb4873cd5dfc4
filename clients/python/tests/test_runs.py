"""Runs of the real server."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import loraloop
from loraloop import AdaptiveSampling, Client, Plan, RunPosition
from loraloop._runs import loss_requests
from loraloop.torch import StreamingDataLoader, StreamingDataset
from tests.server import LoraloopServer

COUNT = 300
PLAN = Plan(seed=3, shuffle=True, global_batch_size=8)


@pytest.fixture(scope="module")
def client(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        client.ingest("lessons", ({"id": f"{index:03d}", "text": f"lesson {index}"} for index in range(COUNT)))
        client.datasets.put("lessons", {"collection": "lessons", "format": "text"})
        yield client


def test_a_run_knows_what_it_reads_and_where_it_runs(client: Client) -> None:
    options: dict[str, Any] = {"dataset": "lessons", "plan": PLAN, "base_model": "tiny", "seed": 11, "world_size": 2}
    with client.runs.open("known", configuration={"learning_rate": 1e-4}, **options) as run:
        info = run.info
        assert (info.id, info.state, info.result, info.consumed) == ("known", "OPEN", None, None)
        assert [(source.dataset, source.sample_count) for source in info.sources] == [("lessons", COUNT)]
        assert info.plan == Plan(**{**vars(PLAN), "shuffle": 1024})
        assert (info.environment.base_model, info.environment.seed, info.environment.world_size) == ("tiny", 11, 2)
        assert info.environment.configuration == {"learning_rate": 1e-4}
        assert {"torch", "loraloop", "grpcio"} <= info.environment.package_versions.keys()
        run.report_progress(step=4, epoch=0, next_index=32, metrics={"loss": 2.5, "rate": 10})
        run.report_progress(step=5, metrics={"loss": 2.25})
        info = client.runs.get("known")
        assert info.consumed == RunPosition(0, 32, 4)
        assert info.metrics == {"loss": 2.25, "rate": 10}
        assert info.loss_points == [(4, 2.5), (5, 2.25)]
    closed = client.runs.get("known")
    assert (closed.state, closed.result) == ("SUCCEEDED", loraloop.RunResult(True))
    assert "known" in [run.id for run in client.runs.list()]


def test_an_error_closes_it_as_failed_and_an_interruption_leaves_it_open(client: Client) -> None:
    with pytest.raises(KeyError), client.runs.open("failing", dataset="lessons"):
        raise KeyError("diverged")
    info = client.runs.get("failing")
    assert (info.state, info.result) == ("FAILED", loraloop.RunResult(False, "KeyError: 'diverged'"))
    with pytest.raises(KeyboardInterrupt), client.runs.open("interrupted", dataset="lessons"):
        raise KeyboardInterrupt
    assert client.runs.get("interrupted").state == "OPEN"
    with client.runs.open("interrupted", dataset="lessons") as again:
        again.close(adapter_version="faq@1")
    result = client.runs.get("interrupted").result
    assert result == loraloop.RunResult(True, adapter_version="faq@1")


def test_errors_are_typed(client: Client) -> None:
    with pytest.raises(loraloop.NotFoundError) as caught:
        client.runs.get("nobody")
    assert caught.value.reason == "RUN_NOT_FOUND"
    run = client.runs.open(dataset="lessons")
    run.close()
    with pytest.raises(loraloop.FailedPreconditionError) as conflict:
        run.report_progress(step=1)
    assert conflict.value.reason == "RUN_CONFLICT"
    with pytest.raises(TypeError):
        run.report_progress(step=1, epoch=0)
    with pytest.raises(TypeError, match=r"id of a run, not a Run: give its \.id"):
        client.stream(run=run)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 indices and 2 losses"):
        run.report_losses(0, [1], [1.0, 2.0])


def test_who_was_replaced_is_refused(client: Client) -> None:
    first = client.runs.open("taken", dataset="lessons")
    rank = client.runs.attach("taken")
    rank.report_progress(step=1)
    assert rank.lease == first.lease == first.info.lease
    second = client.runs.open("taken", dataset="lessons")
    for replaced in (first, rank):
        with pytest.raises(loraloop.FailedPreconditionError) as caught:
            replaced.report_progress(step=2)
        assert caught.value.reason == "RUN_CONFLICT"
    client.runs.attach("taken").report_losses(0, [0], [1.0])
    assert second.close().state == "SUCCEEDED"


def test_losses_make_the_next_epoch(client: Client) -> None:
    with client.runs.open("adaptive", dataset="lessons", plan=PLAN, adaptive_sampling=AdaptiveSampling()) as run:
        indices = list(range(COUNT))
        run.report_losses(0, indices, [4.0 if index % 10 == 0 else 0.5 for index in indices])
        assert list(client.runs.losses("adaptive", 0))[:2] == [(0, 4.0), (1, 0.5)]
        plan = run.close_epoch(0)
        assert run.close_epoch(0) == plan
        assert plan.sources[0].weight_table
        dataset = StreamingDataset(client=client, run=run, with_ids=True)
        hard = {sample["record_id"] for sample in dataset if sample["index"] % 10 == 0}
        dataset.set_epoch(1)
        seen = [sample["record_id"] for sample in dataset]
        assert len(seen) == COUNT
        assert sum(record in hard for record in seen) > 2 * len(hard)
        assert client.runs.get("adaptive").epochs[0].loss_count == COUNT


def test_a_training_of_several_ranks_reads_a_run(client: Client) -> None:
    run = client.runs.open("ranks", dataset="lessons", plan=PLAN, world_size=2)
    names: list[loraloop.Run | str] = [run, "ranks"]
    loaders = [
        StreamingDataLoader(
            StreamingDataset(client=client, run=who, rank=rank, world_size=2, transform=lambda sample: sample["text"])
        )
        for rank, who in enumerate(names)
    ]
    batches = [sorted(batch) for loader in loaders for batch in loader]
    plain = [sample["text"] for sample in client.stream("lessons", plan=PLAN)]
    assert sorted(text for batch in batches for text in batch) == sorted(plain)
    assert {loader.dataset.global_batch_size for loader in loaders} == {8}
    assert len(loaders[0]) == -(-COUNT // 8)
    state = loaders[0].state_dict()
    run.report_progress(step=38, epoch=state["epoch"], next_index=state["next_index"])
    assert run.info.consumed == RunPosition(0, COUNT, 38)
    run.close()


def test_watching_sees_changes_and_the_end(client: Client) -> None:
    run = client.runs.open("watched", dataset="lessons")
    states = []
    watching = threading.Event()

    def watch() -> None:
        for info in client.runs.watch("watched"):
            states.append((info.state, info.metrics.get("loss")))
            watching.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert watching.wait(10)
    run.report_progress(step=1, metrics={"loss": 1.5})
    run.close()
    watcher.join(10)
    assert states[0] == ("OPEN", None)
    assert states[-1] == ("SUCCEEDED", 1.5)


def test_the_lease_is_renewed_until_the_run_is_dropped(client: Client) -> None:
    run = client.runs.open("leased", dataset="lessons", lease_seconds=10)
    first = run.info.lease_expire_time
    copied = pickle.loads(pickle.dumps(run))
    assert copied.id == "leased"
    deadline = time.monotonic() + 15
    while (renewed := run.info.lease_expire_time) == first and time.monotonic() < deadline:
        time.sleep(0.1)
    assert first is not None
    assert renewed is not None
    assert renewed > first
    del run
    assert not [thread for thread in threading.enumerate() if thread.name == "loraloop-lease" and not _ends(thread)]


def _ends(thread: threading.Thread) -> bool:
    thread.join(5)
    return not thread.is_alive()


def test_many_losses_go_in_several_calls() -> None:
    count = 2 * 65_536 + 1
    requests = list(loss_requests("r", "l", 0, range(count), [0.5] * count))
    assert [len(request.indices) for request in requests] == [65_536, 65_536, 1]
    assert requests[2].indices[0] == count - 1


def test_a_watch_outlasts_any_number_of_restarts(mortal: LoraloopServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Any = SimpleNamespace(hours=0, monotonic=lambda: time.monotonic() + clock.hours * 3600, sleep=time.sleep)
    monkeypatch.setattr("loraloop._backoff.time", clock)
    with Client(mortal.address, mortal.token) as client:
        client.upsert("lessons", [{"id": "1", "text": "lesson"}])
        run = client.runs.open("watched", spec={"collection": "lessons", "format": "text"}, lease_seconds=86_400)
        watch = client.runs.watch("watched")
        assert next(watch).state == "OPEN"
        for _ in range(2):
            clock.hours += 1
            mortal.kill()
            mortal.start()
            assert next(watch).state == "OPEN"
        run.close()
        assert [info.state for info in watch][-1] == "SUCCEEDED"
