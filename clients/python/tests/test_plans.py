"""Plans, shares, packed frames and references of the real server."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest

import loraloop
from loraloop import BlockCache, Client, Mixture, MixtureSource, Plan
from tests.server import LoraloopServer

COUNT = 2_500
BATCH = 16
SPEC = {"collection": "texts", "format": "text", "weighting": {"weight_field": "w"}}
PLAN = Plan(epoch=2, seed=5, shuffle=True, global_batch_size=BATCH)


def weight(index: int) -> float:
    return random.Random(index).randrange(5) / 4


def records(count: int = COUNT) -> Iterator[dict[str, Any]]:
    for index in range(count):
        yield {"id": f"{index:05d}", "text": f"{index} " + f"Wörter {index % 7} " * 300, "w": weight(index)}


@pytest.fixture(scope="module")
def texts(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        client.ingest("texts", records())
        yield client


@pytest.fixture(scope="module")
def whole(texts: Client) -> list[loraloop.Sample]:
    return list(texts.stream(spec=SPEC, plan=PLAN, with_ids=True))


def test_a_plan_says_where_each_sample_is(texts: Client, whole: list[loraloop.Sample]) -> None:
    plan = texts.plans.get(spec=SPEC, plan=PLAN)
    assert (plan.sample_count, plan.global_batch_count) == (COUNT, -(-COUNT // BATCH))
    assert plan.spec == Plan(**{**vars(PLAN), "shuffle": 1024})
    assert texts.plans.get(hash=plan.hash) == plan
    assert texts.plans.max_steps(plan.hash, epochs=2, gradient_accumulation_steps=10) == 2 * 16
    entries = texts.plans.explain(hash=plan.hash, first_index=100, count=50, world_size=4)
    assert [entry.record_id for entry in entries] == [sample["record_id"] for sample in whole[100:150]]
    assert [entry.index for entry in entries] == [sample["index"] for sample in whole[100:150]]
    assert entries[0].global_batch == 100 // BATCH
    assert entries[0].rank == 100 % BATCH * 4 // BATCH


def test_epochs_and_seeds_have_orders_of_their_own(texts: Client, whole: list[loraloop.Sample]) -> None:
    orders = {
        tuple(sample["text"] for sample in islice(texts.stream(spec=SPEC, plan=plan), 50))
        for plan in (PLAN, Plan(epoch=3, seed=5, shuffle=True), Plan(epoch=2, seed=6, shuffle=True), Plan(shuffle=2))
    }
    assert len(orders) == 4
    assert sorted(sample["record_id"] for sample in whole) == [f"{index:05d}" for index in range(COUNT)]


def test_sampling_weights_act_in_the_order_and_not_in_the_samples(texts: Client) -> None:
    samples = list(texts.stream(spec=SPEC, plan=Plan(seed=1, weights="sampling"), with_ids=True))
    assert len(samples) == COUNT
    assert all("weight" not in sample for sample in samples)
    total = sum(map(weight, range(COUNT)))
    for value in (0, 0.25, 0.5, 0.75, 1):
        expected = COUNT / total * value * sum(weight(index) == value for index in range(COUNT))
        count = sum(weight(int(sample["record_id"])) == value for sample in samples)
        assert count == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("delivery", ["zstd", "memory", "disk", "tiny"])
def test_every_delivery_gives_the_same_samples(
    texts: Client, whole: list[loraloop.Sample], delivery: str, tmp_path: Path
) -> None:
    caches = {"memory": BlockCache(), "disk": BlockCache(tmp_path), "tiny": BlockCache(max_items=1)}
    options: dict[str, Any] = {"cache": caches[delivery]} if delivery in caches else {"compression": "zstd"}
    for _ in range(2):
        assert list(texts.stream(spec=SPEC, plan=PLAN, with_ids=True, **options)) == whole
    lines = list(texts.stream(spec=SPEC, plan=PLAN, **options).lines())
    assert lines == list(texts.stream(spec=SPEC, plan=PLAN).lines())


@pytest.mark.parametrize("options", [{}, {"compression": "zstd"}, {"cache": BlockCache()}])
def test_shares_are_the_rule_and_go_on_anywhere(
    texts: Client, whole: list[loraloop.Sample], options: dict[str, Any]
) -> None:
    stream = texts.stream(spec=SPEC, plan=PLAN, rank=1, world_size=3, with_ids=True, batch_size=7, **options)
    head = list(islice(stream, 100))
    state = json.loads(json.dumps(stream.state_dict()))
    batch = state["next_index"] // BATCH
    assert state["next_index"] % BATCH == 0
    assert batch == head[-1]["index"] // BATCH + (head[-1]["index"] % BATCH == 2 * BATCH // 3 - 1)
    workers = [
        texts.stream(
            spec=SPEC, plan=PLAN, rank=1, world_size=3, worker=w, worker_count=2, with_ids=True, resume=state, **options
        )
        for w in range(2)
    ]
    tail = [list(worker) for worker in workers]
    assert {sample["index"] // BATCH % 2 for sample in tail[0]} == {batch % 2}
    kept = [sample for sample in head if sample["index"] < state["next_index"]]
    rank = sorted([*kept, *tail[0], *tail[1]], key=lambda sample: int(sample["index"]))
    assert rank == [sample for sample in whole if _rank(sample["index"], 3) == 1]
    with pytest.raises(loraloop.WorkerStateError):
        workers[0].state_dict()


def _rank(index: int, world_size: int) -> int:
    first = index // BATCH * BATCH
    size = min(BATCH, COUNT - first)
    return next(rank for rank in range(world_size) if index < first + (rank + 1) * size // world_size)


def test_one_worker_goes_on_by_itself(texts: Client) -> None:
    options: dict[str, Any] = {"spec": SPEC, "plan": PLAN, "worker": 1, "worker_count": 3}
    whole = list(texts.stream(**options))
    stream = texts.stream(**options)
    seen = list(islice(stream, 77))
    for count in (5, COUNT):
        again = texts.stream(**options)
        again.load_worker_state_dict(stream.worker_state_dict())
        seen += list(islice(again, count))
        stream = again
    assert seen == whole


def test_a_mixture_has_blocks_of_all_its_sources(texts: Client) -> None:
    texts.upsert("few", [{"id": f"{index}", "text": f"few {index}"} for index in range(40)])
    sources = [MixtureSource(spec=SPEC, proportion=3), MixtureSource(spec={"collection": "few", "format": "text"})]
    plan = Plan(seed=1, shuffle=True, mixture=Mixture(sources, exhaustion="first"), global_batch_size=4)
    samples = list(texts.stream(plan=plan))
    assert sum(sample["text"].startswith("few") for sample in samples) == 40
    assert list(texts.stream(plan=plan, cache=BlockCache())) == samples
    stored = texts.plans.get(plan=plan)
    assert [source.slots for source in stored.sources] == [768, 256]


def test_what_does_not_fit_together_is_refused(texts: Client) -> None:
    mixture = Plan(mixture=Mixture([MixtureSource("a")]))
    for wrong in ({"dataset": "a", "plan": mixture}, {"dataset": "a", "run": "r"}, {"plan": Plan()}):
        with pytest.raises(TypeError):
            texts.stream(**wrong)
    with pytest.raises(TypeError):
        texts.plans.get("a", hash="b")
    never = Plan(mixture=Mixture([MixtureSource("a", proportion=0), MixtureSource("b")]))
    for plan, problem in (
        (never, "a source's proportion is 0"),
        (Plan(weights="lost"), "weights is 'lost'; expected 'loss' or 'sampling'"),  # type: ignore[arg-type]
        (Plan(mixture=Mixture([], exhaustion="none")), "exhaustion is 'none'"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ValueError, match=problem):
            texts.plans.get(spec=None if plan.mixture else SPEC, plan=plan)
    with pytest.raises(ValueError, match="0 epochs"):
        texts.plans.max_steps("b", epochs=0)
    assert texts.plans.get(spec=SPEC, plan=Plan(shuffle=0)).hash == texts.plans.get(spec=SPEC).hash
    with pytest.raises(loraloop.InvalidArgumentError) as caught:
        next(texts.stream(spec=SPEC, plan=Plan(global_batch_size=2), world_size=3))
    assert caught.value.reason == "PLAN_INVALID"


@pytest.mark.parametrize("cached", [False, True])
def test_a_share_survives_the_death_of_the_server(mortal: LoraloopServer, tmp_path: Path, cached: bool) -> None:
    with Client(mortal.address, mortal.token) as client:
        client.ingest("texts", records())
        cache = BlockCache(tmp_path / "blocks") if cached else None
        options: dict[str, Any] = {"rank": 1, "world_size": 2, "worker": 1, "worker_count": 2, "with_ids": True}
        stream = client.stream(spec=SPEC, plan=PLAN, batch_size=10, cache=cache, **options)
        indices = []
        for sample in stream:
            indices.append(sample["index"])
            if len(indices) in (3, 300):
                mortal.kill()
                mortal.start()
        assert indices == [index for index in range(COUNT) if index // BATCH % 2 == 1 and _rank(index, 2) == 1]


def test_a_slow_reader_holds_little_and_loses_nothing(client: Client) -> None:
    count, size = 24_000, 2_000
    rows = ({"id": f"{index:05d}", "text": f"{index} ".ljust(size, "x")} for index in range(count))
    client.ingest("slow", rows)
    key = client.snapshots.wait(client.snapshots.build(spec={"collection": "slow", "format": "text"}).key).key
    stream = client.stream(snapshot=key, plan=Plan(shuffle=True))
    next(stream)
    before = psutil.Process().memory_info().rss
    numbers = [0]
    for _ in range(10):
        time.sleep(0.1)
        numbers += [int(next(stream)["text"].split(" ", 1)[0]) for _ in range(20)]
    grown = psutil.Process().memory_info().rss - before
    assert grown < 16 * 2**20 < count * size
    numbers += [int(sample["text"].split(" ", 1)[0]) for sample in stream]
    assert len(set(numbers[1:])) == count - 1
