"""Accelerate and transformers' Trainer on two processes (gloo)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loraloop import Client
from tests.server import LoraloopServer
from tests.tiny import text_of, tiny_tokenizer

PROJECT = Path(__file__).parents[1]
COUNT = 30


@pytest.fixture(scope="module", autouse=True)
def shared(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        texts = [text_of(number) for number in range(COUNT)]
        client.ingest(
            "shared", ({"id": f"{n:03d}", "text": text, "importance": 1 + n % 3} for n, text in enumerate(texts))
        )
        yield client


def run(scenario: str, ranks: int, folder: Path, server: LoraloopServer) -> list[dict[str, Any]]:
    """What each rank says, in order."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    own = {"LORALOOP_ADDRESS": server.address, "LORALOOP_TOKEN": server.token, "OMP_NUM_THREADS": "1"}
    common = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "1"}
    distributed = [{**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(ranks)]
    command: list[str | Path] = [sys.executable, "-m", "tests.two_ranks", scenario, folder]
    folder.mkdir(exist_ok=True)
    processes = [
        subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **own, **(rank if ranks > 1 else {})})
        for rank in distributed
    ]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0] * ranks
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [json.loads((folder / f"{scenario}-{rank}.json").read_text()) for rank in range(ranks)]


def test_two_ranks_then_one_then_two_train_on_the_same_batches(server: LoraloopServer, tmp_path: Path) -> None:
    (alone,) = run("train-6", 1, tmp_path / "alone", server)
    parts = [run(f"train-{steps}", ranks, tmp_path / "moved", server) for steps, ranks in ((2, 2), (4, 1), (6, 2))]
    batches = [
        sum(shares, []) for ranks in parts for shares in zip(*(rank["seen"] for rank in ranks), strict=True)
    ]
    assert batches == alone["seen"]
    for ranks in parts:
        for step, loss in ranks[0]["losses"].items():
            assert loss == pytest.approx(alone["losses"][step], rel=1e-3)


@pytest.mark.parametrize("scenario", ["plain_trainer", "prepared_loader"])
def test_what_accelerate_would_divide_again_is_refused(
    scenario: str, server: LoraloopServer, tmp_path: Path
) -> None:
    results = run(scenario, 2, tmp_path, server)
    assert "divided among ranks twice" in results[0]["error"]


def test_a_dataset_of_rank_0_of_1_is_divided_by_accelerate(server: LoraloopServer, tmp_path: Path) -> None:
    first, second = run("plain_mode", 2, tmp_path, server)
    tokenizer = tiny_tokenizer()
    texts = sorted(tokenizer.decode(row, skip_special_tokens=True) for row in first["tokens"] + second["tokens"])
    assert texts == sorted(text_of(number) for number in range(COUNT))
