"""StreamingDataLoader in loops of one's own with Accelerate."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import GradientState

from loraloop import Client
from loraloop.torch import StreamingDataLoader, StreamingDataset

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:This DataLoader will create:UserWarning")
COUNT = 38
BATCH = 4
BATCHES = 10
ACCUMULATED = 4
EPOCHS = 2


@pytest.fixture
def dataset(client: Client) -> StreamingDataset:
    client.ingest("accumulated", ({"id": f"{number:02d}", "text": f"{number}"} for number in range(COUNT)))
    spec = {"collection": "accumulated", "format": "text"}
    return StreamingDataset(client=client, spec=spec, global_batch_size=BATCH)


@pytest.fixture
def accelerator() -> Iterator[Accelerator]:
    GradientState._reset_state()
    yield Accelerator(cpu=True, gradient_accumulation_steps=ACCUMULATED)
    GradientState._reset_state()


def ones(samples: list[Any]) -> torch.Tensor:
    return torch.ones(len(samples), 1)


@pytest.mark.parametrize("workers", [0, 2])
def test_accumulation_ends_with_each_epoch(workers: int, dataset: StreamingDataset, accelerator: Accelerator) -> None:
    model = torch.nn.Linear(1, 1)
    loader = StreamingDataLoader(dataset, collate_fn=ones, num_workers=workers)
    model, optimizer, loader = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1), loader)
    steps = []
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        for number, batch in enumerate(loader, 1):
            with accelerator.accumulate(model):
                accelerator.backward(model(batch).sum())
                if accelerator.sync_gradients:
                    steps.append((epoch, number))
                optimizer.step()
                optimizer.zero_grad()
    assert steps == [(epoch, number) for epoch in range(EPOCHS) for number in (4, 8, BATCHES)]
    assert len(steps) == dataset.max_steps(EPOCHS, ACCUMULATED)
    assert not accelerator.gradient_state.in_dataloader


def test_a_pass_that_is_left_is_over_for_accelerate(dataset: StreamingDataset, accelerator: Accelerator) -> None:
    loader = accelerator.prepare(StreamingDataLoader(dataset, collate_fn=ones))
    batches = iter(loader)
    assert [len(batch) for batch in islice(batches, BATCHES - 1)] == [BATCH] * (BATCHES - 1)
    assert accelerator.gradient_state.in_dataloader
    assert not accelerator.gradient_state.end_of_dataloader
    # Though accelerate knows the pass, nobody divides the dataset.
    loader.set_epoch(1)
    del batches
    assert not accelerator.gradient_state.in_dataloader
