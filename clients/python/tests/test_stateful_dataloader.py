"""torchdata's StatefulDataLoader over our dataset: each worker keeps its own position."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from torchdata.stateful_dataloader import StatefulDataLoader

from loraloop import Client
from loraloop.torch import StreamingDataset
from tests.server import LoraloopServer

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning",
    "ignore:This DataLoader will create:UserWarning",
    # torchdata's own.
    "ignore:'set_vital' is deprecated:UserWarning",
)
COUNT = 500


@pytest.fixture(scope="module")
def client(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        client.ingest("stateful", ({"id": f"{index:03d}", "text": str(index)} for index in range(COUNT)))
        client.datasets.put("stateful", {"collection": "stateful", "format": "text"})
        yield client
        gc.collect()


def number(sample: dict[str, Any]) -> int:
    return int(sample["text"])


def as_list(values: list[int]) -> list[int]:
    return values


def new_loader(client: Client, key: str, workers: int) -> StatefulDataLoader[Any]:
    dataset = StreamingDataset(
        client=client, snapshot=key, shuffle=True, global_batch_size=4, rank=0, world_size=2, transform=number
    )
    return StatefulDataLoader(dataset, batch_size=10, num_workers=workers, collate_fn=as_list)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_goes_on_where_it_was_twice(client: Client, workers: int) -> None:
    key = client.snapshots.build("stateful").key
    whole = list(new_loader(client, key, workers))
    assert len({value for batch in whole for value in batch}) == COUNT // 2
    seen: list[list[int]] = []
    state = None
    for steps in (3, 8, 100):
        loader = new_loader(client, key, workers)
        if state is not None:
            loader.load_state_dict(state)
        seen += list(islice(loader, steps))
        state = json.loads(json.dumps(loader.state_dict()))
    assert seen == whole
