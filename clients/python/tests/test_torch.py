"""The torch dataset in real DataLoaders, against the real server."""

from __future__ import annotations

import gc
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import DataLoader

import loraloop
from loraloop import Client
from loraloop.torch import StreamingDataset
from tests.server import LoraloopServer

# Python 3.12 and newer warn of every fork of a process with threads; the dataset opens its channel in the worker.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning", "ignore:This DataLoader will create:UserWarning"
)

COUNT = 700
SPEC = {"collection": "numbers", "format": "text"}
NUMBERS = list(range(COUNT))


def number(sample: loraloop.Sample) -> int:
    return int(sample["text"])


def as_list(values: list[Any]) -> list[Any]:
    return values


@pytest.fixture(scope="module")
def numbers(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        client.ingest("numbers", ({"id": f"{index:04d}", "text": str(index)} for index in NUMBERS))
        yield client


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """torch waits so long for each worker that has failed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)
        yield
        gc.collect()


def loader(dataset: StreamingDataset, **options: Any) -> DataLoader[Any]:
    return DataLoader(dataset, batch_size=50, collate_fn=as_list, **options)


def flat(batches: Iterator[list[int]] | DataLoader[Any]) -> list[int]:
    return [value for batch in batches for value in batch]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_one_worker_reads_everything_once_an_epoch(numbers: Client, context: str) -> None:
    dataset = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    assert next(iter(dataset)) == 0
    workers = loader(dataset, num_workers=1, multiprocessing_context=context)
    assert flat(workers) == NUMBERS
    with pytest.raises(loraloop.WorkerStateError):
        dataset.state_dict()
    assert flat(workers) == NUMBERS
    assert list(dataset) == NUMBERS
    assert dataset.state_dict()["next_index"] == COUNT


def test_a_worker_goes_on_from_a_state_in_its_first_epoch_only(numbers: Client) -> None:
    dataset = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    iterator = iter(dataset)
    assert [next(iterator) for _ in range(60)] == NUMBERS[:60]
    resumed = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    resumed.load_state_dict(dataset.state_dict())
    workers = loader(resumed, num_workers=1, multiprocessing_context="fork")
    assert flat(workers) == NUMBERS[60:]
    assert flat(workers) == NUMBERS


def test_workers_of_a_plain_loader_must_read_the_same(numbers: Client) -> None:
    dataset = StreamingDataset(client=numbers, spec=SPEC)
    with pytest.raises(loraloop.ConfigurationError, match="name a snapshot"):
        flat(loader(dataset, num_workers=2, multiprocessing_context="fork"))
    key = numbers.snapshots.build(spec=SPEC).key
    pinned = StreamingDataset(client=numbers, snapshot=key, transform=number)
    assert sorted(flat(loader(pinned, num_workers=3, multiprocessing_context="fork"))) == NUMBERS


def test_state_counts_what_was_given_out(numbers: Client) -> None:
    dataset = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    assert dataset.state_dict()["next_index"] == 0
    batches = iter(loader(dataset))
    head = [*next(batches), *next(batches)]
    state = json.loads(json.dumps(dataset.state_dict()))
    assert state["next_index"] == len(head) == 100
    resumed = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    assert flat(loader(resumed)) == NUMBERS[100:]
    assert flat(loader(resumed)) == NUMBERS


def test_peeking_does_not_use_a_loaded_state_up(numbers: Client) -> None:
    dataset = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    state = dataset.state_dict()
    dataset.load_state_dict({**state, "next_index": 10})
    assert [next(iter(dataset)) for _ in range(3)] == [10, 10, 10]
    assert list(dataset) == NUMBERS[10:]
    assert list(dataset) == NUMBERS


def test_pickles(numbers: Client) -> None:
    dataset = StreamingDataset(client=numbers, spec=SPEC, transform=number)
    next(iter(dataset))
    assert list(pickle.loads(pickle.dumps(dataset))) == NUMBERS


def test_a_malformed_state_is_refused_at_once(numbers: Client) -> None:
    with pytest.raises(loraloop.ResumeFormatError):
        StreamingDataset(client=numbers, spec=SPEC).load_state_dict({"epoch": 1})
