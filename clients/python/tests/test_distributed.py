"""Two processes of torch.distributed agree on what they read."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import loraloop
from loraloop import Client
from loraloop.torch import StreamingDataLoader, StreamingDataset
from tests.server import LoraloopServer

BATCH = 6


def text(sample: loraloop.Sample) -> str:
    return str(sample["text"])


def new_loader(server: tuple[str, str], workers: int = 0) -> StreamingDataLoader:
    dataset = StreamingDataset("agreed", client=Client(*server), shuffle=True, global_batch_size=BATCH, transform=text)
    return StreamingDataLoader(dataset, num_workers=workers)


def read_while_records_change(rank: int, server: tuple[str, str]) -> Any:
    loader = new_loader(server, workers=1)
    assert (loader.dataset.rank, loader.dataset.world_size) == (rank, 2)
    if rank == 1:
        # What the other rank reads was resolved before.
        Client(*server).delete("agreed", [f"{index:03d}" for index in range(0, 100, 2)])
    seen = [value for batch in loader for value in batch]
    return seen, loader.state_dict()


def load_other_states(rank: int, server: tuple[str, str]) -> Any:
    loader = new_loader(server)
    loader.load_state_dict({**loader.state_dict(), "next_index": BATCH * (rank + 1)})
    with pytest.raises(loraloop.ResumeOtherRankError) as caught:
        next(iter(loader))
    return caught.value.expected, caught.value.actual


def in_process(
    work: Callable[[int, tuple[str, str]], Any], rank: int, server: tuple[str, str], store: str, answers: Any
) -> None:
    try:
        torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
        answers.put((rank, work(rank, server)))
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    except BaseException:
        answers.put((rank, traceback.format_exc()))
        raise


def on_two_ranks(work: Callable[[int, tuple[str, str]], Any], server: tuple[str, str], store: Path) -> list[Any]:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    processes = [
        context.Process(target=in_process, args=(work, rank, server, str(store), answers)) for rank in range(2)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0, 0], found
    return [found[rank] for rank in range(2)]


@pytest.fixture
def prepared(server: LoraloopServer) -> tuple[str, str]:
    with Client(server.address, server.token) as client:
        client.upsert("agreed", [{"id": f"{index:03d}", "text": str(index)} for index in range(100)])
        client.datasets.put("agreed", {"collection": "agreed", "format": "text"})
    return server.address, server.token


def test_all_ranks_read_what_rank_0_reads(prepared: tuple[str, str], tmp_path: Path) -> None:
    (one, state), (other, other_state) = on_two_ranks(read_while_records_change, prepared, tmp_path / "store")
    assert state == other_state
    assert len(one) == len(other)
    assert not set(one) & set(other)
    assert len(one) + len(other) in (50, 100)


def test_states_that_differ_are_refused_on_every_rank(prepared: tuple[str, str], tmp_path: Path) -> None:
    answers = on_two_ranks(load_other_states, prepared, tmp_path / "store")
    assert answers == [(str(BATCH), str(2 * BATCH))] * 2
