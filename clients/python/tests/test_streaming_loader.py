"""StreamingDataLoader against the real server: the same batches for every number of ranks and workers."""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import pickle
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
import torch

import loraloop
from loraloop import BlockCache, Client, Mixture, MixtureSource, Plan
from loraloop.torch import StreamingDataLoader, StreamingDataset, merge_state_dicts
from tests.server import LoraloopServer

# Python 3.12 and newer warn of every fork of a process with threads; the dataset opens its channel in the worker.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning", "ignore:This DataLoader will create:UserWarning"
)

COUNT = 700
BATCH = 12
ORDER: dict[str, Any] = {"shuffle": True, "shuffle_seed": 7, "global_batch_size": BATCH}
Batches = list[list[str]]


def text(sample: loraloop.Sample) -> str:
    return str(sample["text"]).split(" ", 1)[0]


@pytest.fixture(scope="module")
def words(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        records = ({"id": f"{index:04d}", "text": f"{index} " + "wort " * 40} for index in range(COUNT))
        client.ingest("words", records)
        client.datasets.put("words", {"collection": "words", "format": "text"})
        yield client


@pytest.fixture(scope="module")
def key(words: Client) -> str:
    return words.snapshots.wait(words.snapshots.build("words").key).key


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """torch waits so long for each worker that has failed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)
        yield
        gc.collect()


def expected(client: Client, key: str, epoch: int = 0) -> Batches:
    """The global batches, from one plain stream."""
    plan = Plan(epoch=epoch, seed=7, shuffle=True, global_batch_size=BATCH)
    texts = [text(sample) for sample in client.stream(snapshot=key, plan=plan)]
    return [texts[first : first + BATCH] for first in range(0, COUNT, BATCH)]


def new_loader(client: Client, key: str, rank: int = 0, world_size: int = 1, **options: Any) -> StreamingDataLoader:
    of_loader = {"num_workers", "multiprocessing_context", "persistent_workers", "collate_fn", "prefetch_factor"}
    dataset = StreamingDataset(
        client=client,
        snapshot=key,
        transform=text,
        rank=rank,
        world_size=world_size,
        **{**ORDER, **{name: value for name, value in options.items() if name not in of_loader}},
    )
    return StreamingDataLoader(dataset, **{name: value for name, value in options.items() if name in of_loader})


class World:
    """All ranks of a training, one step at a time."""

    def __init__(self, client: Client, key: str, world_size: int, state: Any = None, **options: Any) -> None:
        self.loaders = [new_loader(client, key, rank, world_size, **options) for rank in range(world_size)]
        if state is not None:
            for loader in self.loaders:
                loader.load_state_dict(state)

    def steps(self) -> Iterator[list[str]]:
        for parts in zip(*self.loaders, strict=True):
            yield [sample for part in parts for sample in part]

    def state(self) -> dict[str, Any]:
        return merge_state_dicts([loader.state_dict() for loader in self.loaders])


@pytest.mark.parametrize(("world_size", "workers"), [(1, 0), (1, 2), (2, 0), (2, 2), (4, 0), (3, 0), (3, 1)])
def test_every_world_sees_the_same_global_batches(words: Client, key: str, world_size: int, workers: int) -> None:
    world = World(words, key, world_size, num_workers=workers)
    assert list(world.steps()) == expected(words, key)
    lengths = {len(loader) for loader in world.loaders}
    assert lengths == {-(-COUNT // BATCH)}
    assert sum(len(loader.dataset) for loader in world.loaders) == COUNT == world.loaders[0].dataset.size


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_gives_the_same_batches(words: Client, key: str, workers: int) -> None:
    assert list(new_loader(words, key, num_workers=workers, prefetch_factor=4)) == expected(words, key)


def test_spawned_workers_give_the_same_batches_and_see_epochs_and_states(words: Client, key: str) -> None:
    loader = new_loader(words, key, num_workers=2, multiprocessing_context="spawn", persistent_workers=True)
    assert list(loader) == expected(words, key)
    loader.set_epoch(1)
    assert list(loader) == expected(words, key, 1)
    loader.load_state_dict({**loader.state_dict(), "next_index": 20 * BATCH})
    assert list(loader) == expected(words, key, 1)[20:]


@pytest.mark.parametrize("persistent", [False, True])
def test_forked_workers_see_epochs_and_states(words: Client, key: str, persistent: bool) -> None:
    loader = new_loader(words, key, num_workers=2, multiprocessing_context="fork", persistent_workers=persistent)
    assert list(islice(loader, 3)) == expected(words, key)[:3]
    loader.set_epoch(2)
    assert list(islice(loader, 5)) == expected(words, key, 2)[:5]
    loader.load_state_dict(loader.state_dict())
    assert loader.epoch == 2
    assert list(loader) == expected(words, key, 2)[5:]
    assert list(loader) == expected(words, key, 2)


def test_worlds_change_between_resumes(words: Client, key: str) -> None:
    seen, state = [], None
    for world_size, workers, steps in [(1, 2, 5), (2, 0, 9), (4, 0, 1), (3, 1, 20), (2, 2, 100)]:
        world = World(words, key, world_size, state, num_workers=workers)
        seen += list(islice(world.steps(), steps))
        state = json.loads(json.dumps(world.state()))
        assert state["next_index"] == min(len(seen) * BATCH, COUNT)
        assert len(json.dumps(state)) < 4096
    assert seen == expected(words, key)


def test_a_state_survives_torch_save_and_two_resumes(words: Client, key: str) -> None:
    first = new_loader(words, key, num_workers=2)
    seen = list(islice(first, 4))
    file = io.BytesIO()
    torch.save({"stream": first.state_dict()}, file)
    file.seek(0)
    second = new_loader(words, key)
    second.load_state_dict(torch.load(file)["stream"])
    seen += list(islice(second, 2))
    third = new_loader(words, key, num_workers=1)
    third.load_state_dict(pickle.loads(pickle.dumps(second.state_dict())))
    assert seen + list(third) == expected(words, key)


def test_the_state_counts_what_the_loop_was_given_not_what_was_read_ahead(words: Client, key: str) -> None:
    loader = new_loader(words, key, num_workers=2, prefetch_factor=8)
    assert loader.state_dict()["next_index"] == 0
    for step, _ in enumerate(loader, 1):
        assert loader.state_dict()["next_index"] == min(step * BATCH, COUNT)
        assert loader.dataset.state_dict() == loader.state_dict()


@pytest.mark.parametrize("workers", [0, 2])
def test_looks_neither_advance_nor_count(words: Client, key: str, workers: int) -> None:
    loader = new_loader(words, key, num_workers=workers)
    batches = expected(words, key)
    assert [next(iter(loader.dataset)) for _ in range(3)] == [batches[0][0]] * 3
    assert loader.state_dict()["next_index"] == 0
    loader.load_state_dict({**loader.state_dict(), "next_index": 3 * BATCH})
    assert next(iter(loader.dataset)) == batches[3][0]
    assert loader.state_dict()["next_index"] == 3 * BATCH
    assert [next(iter(loader)) for _ in range(3)] == [batches[3]] * 3
    assert list(loader) == batches[3:]
    assert list(loader) == batches


def test_a_resumed_epoch_keeps_its_order(words: Client, key: str) -> None:
    first = new_loader(words, key)
    first.set_epoch(3)
    seen = list(islice(first, 10))
    resumed = new_loader(words, key)
    resumed.load_state_dict(first.state_dict())
    for epoch in (0, 2, 3):
        resumed.set_epoch(epoch)
        assert resumed.epoch == 3
    assert seen + list(resumed) == expected(words, key, 3)
    resumed.set_epoch(4)
    assert list(resumed) == expected(words, key, 4)


def test_a_killed_worker_is_noticed_and_costs_nothing(words: Client, key: str) -> None:
    seen: Batches = []
    state, deaths = None, 0
    for victim in (0, 1, None):
        loader = new_loader(words, key, num_workers=2, multiprocessing_context="fork")
        if state is not None:
            loader.load_state_dict(state)
        try:
            for batch in loader:
                seen.append(batch)
                state = loader.state_dict()
                if victim is not None and len(seen) % 7 == 0:
                    multiprocessing.active_children()[victim].kill()
        except RuntimeError:
            deaths += 1
    assert deaths == 2
    assert seen == expected(words, key)


def test_states_of_ranks_that_differ_are_refused(words: Client, key: str) -> None:
    one, other = (new_loader(words, key, rank, 2) for rank in range(2))
    list(islice(one, 3)), list(islice(other, 4))
    with pytest.raises(loraloop.ResumeOtherRankError) as caught:
        merge_state_dicts([one.state_dict(), other.state_dict()])
    assert (caught.value.expected, caught.value.actual) == (str(3 * BATCH), str(4 * BATCH))
    assert merge_state_dicts([one.state_dict(), one.state_dict()]) == one.state_dict()


def test_several_ranks_do_not_go_on_inside_of_a_batch(words: Client, key: str) -> None:
    whole = expected(words, key)
    alone = new_loader(words, key)
    samples = iter(alone.dataset)
    head = [next(samples) for _ in range(17)]
    state = alone.dataset.state_dict()
    assert state["next_index"] == 17
    rest = new_loader(words, key)
    rest.load_state_dict(state)
    assert [head, *rest] == [[*whole[0], *whole[1][:5]], whole[1][5:], *whole[2:]]
    rank = new_loader(words, key, 0, 2)
    rank.load_state_dict(state)
    with pytest.raises(loraloop.ConfigurationError, match="next_index 17"):
        next(iter(rank))


def test_a_dataset_of_one_of_several_ranks_counts_whole_batches(words: Client, key: str) -> None:
    dataset = new_loader(words, key, 1, 2).dataset
    samples = iter(dataset)
    head = [next(samples) for _ in range(8)]
    assert dataset.state_dict()["next_index"] == BATCH
    assert head == [*expected(words, key)[0][6:], *expected(words, key)[1][6:8]]


def test_ranks_that_may_read_different_records_are_refused(words: Client) -> None:
    dataset = StreamingDataset("words", client=words, rank=0, world_size=2, **ORDER)
    with pytest.raises(loraloop.ConfigurationError, match=r"torch\.distributed"):
        next(iter(StreamingDataLoader(dataset)))


def test_workers_of_one_loader_read_the_same_though_records_change(words: Client) -> None:
    records = [{"id": f"{index:03d}", "text": f"{index}"} for index in range(200)]
    words.upsert("changing", records)
    words.datasets.put("changing", {"collection": "changing", "format": "text"})
    dataset = StreamingDataset("changing", client=words, transform=text, **ORDER)
    batches = iter(StreamingDataLoader(dataset, num_workers=2))
    seen = next(batches)
    words.delete("changing", [record["id"] for record in records[::2]])
    assert sorted([*seen, *chain(*batches)]) == sorted(record["text"] for record in records)


def test_ids_and_indices_come_with_the_samples(words: Client, key: str) -> None:
    dataset = StreamingDataset(client=words, snapshot=key, with_ids=True, **ORDER)
    samples = [sample for batch in StreamingDataLoader(dataset) for sample in batch]
    assert [sample["index"] for sample in samples] == list(range(COUNT))
    assert all(int(sample["record_id"]) == int(text(sample)) for sample in samples)
    assert samples == list(dataset)


def test_max_steps(words: Client, key: str) -> None:
    dataset = new_loader(words, key).dataset
    assert dataset.max_steps(epochs=3, gradient_accumulation_steps=4) == 3 * -(-59 // 4)
    assert new_loader(words, key, drop_last=True).dataset.size == COUNT // BATCH * BATCH


@pytest.mark.parametrize("workers", [0, 2])
def test_from_a_cache_the_batches_are_the_same(words: Client, key: str, workers: int, tmp_path: Path) -> None:
    cache = BlockCache(tmp_path / "blocks")
    loader = new_loader(words, key, num_workers=workers, cache=cache)
    assert list(loader) == expected(words, key)
    assert len(cache) == 1
    loader.set_epoch(1)
    assert list(loader) == expected(words, key, 1)


def test_mixtures_go_on_in_other_worlds(words: Client, key: str) -> None:
    other = words.snapshots.wait(
        words.snapshots.build(spec={"collection": "words", "format": "text", "quality": {"max_text_length": 203}}).key
    ).key
    mixture = Mixture([MixtureSource(snapshot=key, proportion=3), MixtureSource(snapshot=other)], exhaustion="all")

    def loaders(world_size: int, **options: Any) -> list[StreamingDataLoader]:
        datasets = [
            StreamingDataset(client=words, mixture=mixture, rank=rank, world_size=world_size, transform=text, **ORDER)
            for rank in range(world_size)
        ]
        return [StreamingDataLoader(dataset, **options) for dataset in datasets]

    whole: Batches = list(*loaders(1))
    (first,) = loaders(1, num_workers=2)
    seen = list(islice(first, 6))
    ranks = loaders(3)
    for rank in ranks:
        rank.load_state_dict(first.state_dict())
    assert seen + [list(chain(*parts)) for parts in zip(*ranks, strict=True)] == whole
