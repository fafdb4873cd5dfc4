"""Streams of the real server."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import loraloop
from loraloop import Client
from tests.server import ROOT, LoraloopServer

COUNT = 3_000
SPEC = {
    "collection": "faq",
    "format": "instruction",
    "mapping": {"instruction": "question", "output": "answer"},
    "weighting": {"weight_field": "w", "auto_weight_by_length": True},
    "metadata_fields": ["tags"],
}


def record(index: int) -> dict[str, Any]:
    answer = f"Antwort {index}: ß " + "wort " * 100
    return {"id": f"{index:05d}", "question": f"Frage {index}", "answer": answer, "w": index / 7, "tags": ["a", index]}


def expected(index: int) -> dict[str, Any]:
    fields = record(index)
    micros = int(fields["w"] * (1 + min(0.5, len(fields["answer"]) / 2000)) * 1e6 + 0.5)
    return {
        "instruction": fields["question"],
        "output": fields["answer"],
        "metadata": {"tags": fields["tags"]},
        "weight": micros / 1e6,
    }


@pytest.fixture(scope="module")
def faq(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        client.ingest("faq", map(record, range(COUNT)))
        client.datasets.put("faq", SPEC)
        yield client


def test_samples_equal_an_independent_computation(faq: Client) -> None:
    with faq.stream("faq") as stream:
        samples = list(stream)
    assert samples == [expected(index) for index in range(COUNT)]
    assert [list(sample) for sample in samples[:1]] == [["instruction", "output", "metadata", "weight"]]
    assert stream.statistics is not None
    assert stream.statistics.sample_count == stream.sample_count == COUNT


def test_lines_are_those_of_the_command_line(faq: Client, server: LoraloopServer, tmp_path: Path) -> None:
    node, program = ROOT / "node_modules/.bin/node", ROOT / "clients/cli/main.ts"
    environment = {**os.environ, "LORALOOP_ADDRESS": server.address, "LORALOOP_TOKEN": server.token}
    subprocess.run(
        [node, program, "stream", "faq", "-o", tmp_path / "out"], env=environment, check=True, capture_output=True
    )
    lines = b"".join(faq.stream("faq").lines())
    assert lines == (tmp_path / "out").read_bytes()
    assert [json.loads(line) for line in lines.splitlines()] == list(faq.stream("faq"))


def test_batch_size_changes_frames_and_nothing_else(faq: Client) -> None:
    batches = list(faq.stream("faq", batch_size=64).batches())
    assert max(map(len, batches)) == 64
    assert [sample for batch in batches for sample in batch] == list(faq.stream("faq"))
    assert [record_id for batch in batches for record_id in batch.ids] == [f"{index:05d}" for index in range(COUNT)]


@pytest.mark.parametrize("cut", [0, 1, 777, COUNT - 1, COUNT])
def test_resumes_anywhere_twice(faq: Client, cut: int) -> None:
    first = faq.stream("faq")
    head = [sample for sample, _ in zip(first, range(cut), strict=False)] if cut else []
    state = json.loads(json.dumps({**first.state_dict(), "next_index": cut}))
    second = faq.stream("faq", resume=state)
    middle = [next(second) for _ in range(min(5, COUNT - cut))]
    rest = list(faq.stream("faq", resume=second.state_dict()))
    assert [*head, *middle, *rest] == [expected(index) for index in range(COUNT)]


def test_a_resume_reads_the_records_of_its_snapshot(client: Client) -> None:
    client.ingest("moving", ({"id": f"{index:03d}", "text": f"old {index}"} for index in range(300)))
    client.datasets.put("moving", {"collection": "moving", "format": "text"})
    stream = client.stream("moving")
    head = [next(stream) for _ in range(100)]
    state = stream.state_dict()
    stream.close()
    client.delete("moving", [f"{index:03d}" for index in range(0, 300, 2)])
    client.upsert("moving", [{"id": "101", "text": "new"}, {"id": "0505", "text": "new"}])
    tail = client.stream("moving", resume=state)
    assert [sample["text"] for sample in [*head, *tail]] == [f"old {index}" for index in range(300)]
    assert len(list(client.stream("moving"))) == 151


def test_states_of_others_are_refused(faq: Client) -> None:
    state = faq.stream("faq").state_dict()
    with pytest.raises(loraloop.ResumeOtherRequestError) as caught:
        next(faq.stream("faq", as_of="2020-01-01", resume=state))
    assert caught.value.actual == state["request_hash"]
    with pytest.raises(loraloop.ResumeBeyondEndError):
        next(faq.stream("faq", resume={**state, "next_index": COUNT + 1}))
    with pytest.raises(loraloop.ResumeError):
        next(faq.stream("faq", resume={**state, "plan": "0" * 64}))


def test_a_state_of_another_store_is_refused_with_both(faq: Client, tmp_path: Path) -> None:
    state = faq.stream("faq").state_dict()
    other = LoraloopServer(tmp_path / "other", "memory")
    try:
        with Client(other.address, other.token) as elsewhere:
            elsewhere.upsert("faq", [record(0)])
            elsewhere.datasets.put("faq", SPEC)
            here = elsewhere.stream("faq").state_dict()
            with pytest.raises(loraloop.ResumeOtherStoreError) as caught:
                next(elsewhere.stream("faq", resume=state))
    finally:
        other.kill()
    assert (caught.value.expected, caught.value.actual) == (here["store"], state["store"])


def test_an_open_ingest_is_waited_for_only_by_permission(client: Client) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow() -> Iterator[dict[str, str]]:
        for index in range(500):
            yield {"id": str(index), "text": "here"}
        yield {"id": "x", "text": "here"}
        entered.set()
        leave.wait(20)

    spec = {"collection": "open", "format": "text"}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.ingest, "open", slow())
        entered.wait(20)
        try:
            with pytest.raises(loraloop.FailedPreconditionError) as caught:
                next(client.stream(spec=spec))
            assert caught.value.reason == "INGEST_OPEN"
            list(client.stream(spec=spec, allow_open_ingest=True))
        finally:
            leave.set()
        assert running.result().kept_count == 501
    assert len(list(client.stream(spec=spec))) == 501


def test_an_empty_dataset_says_which_condition_dropped_everything(faq: Client) -> None:
    spec = {**SPEC, "selection": {"conditions": [{"field": "theme", "values": ["none"]}]}}
    stream = faq.stream(spec=spec)
    assert list(stream) == []
    assert stream.statistics is not None
    assert "theme" in stream.statistics.hint
