"""Accelerate and transformers' Trainer on two processes (gloo)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from loraloop import AdaptiveSampling, Client, Plan
from tests.server import LoraloopServer
from tests.tiny import text_of, tiny_tokenizer
from tests.two_ranks import GLOBAL_BATCH, SCENARIOS, SPEC

# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
PROJECT = Path(__file__).parents[1]
COUNT = 32


@pytest.fixture(scope="module", autouse=True)
def shared(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        texts = [text_of(number) for number in range(COUNT)]
        client.ingest(
            "shared",
            (
                {"id": f"{n:03d}", "text": text, "good": f" {text}", "bad": " aber nicht", "importance": 1 + n % 3}
                for n, text in enumerate(texts)
            ),
        )
        yield client


@pytest.fixture(autouse=True)
def environment(server: LoraloopServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORALOOP_ADDRESS", server.address)
    monkeypatch.setenv("LORALOOP_TOKEN", server.token)


def run(scenario: str, ranks: int, folder: Path) -> list[dict[str, Any]]:
    """What each rank says, in order; one rank is this process."""
    folder.mkdir(exist_ok=True)
    if ranks == 1:
        return [SCENARIOS[scenario](folder / "output")]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command: list[str | Path] = [sys.executable, "-m", "tests.two_ranks", scenario, folder]
    processes = [
        subprocess.Popen(command, cwd=PROJECT, env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(ranks)
    ]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0] * ranks
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [json.loads((folder / f"{scenario}-{rank}.json").read_text()) for rank in range(ranks)]


def test_two_ranks_then_one_then_two_train_on_the_same_batches(tmp_path: Path) -> None:
    (alone,) = run("train-6", 1, tmp_path / "alone")
    parts = [run(f"train-{steps}", ranks, tmp_path / "moved") for steps, ranks in ((2, 2), (4, 1), (6, 2))]
    shares = [share for ranks in parts for share in zip(*(rank["seen"] for rank in ranks), strict=True)]
    assert [list(chain(*share)) for share in shares] == alone["seen"]
    for ranks in parts:
        for step, loss in ranks[0]["losses"].items():
            assert loss == pytest.approx(alone["losses"][int(step)], rel=1e-4)


def test_trl_on_two_ranks_learns_what_it_does_on_one(shared: Client, tmp_path: Path) -> None:
    losses = []
    for ranks in (1, 2):
        plan = Plan(shuffle=True, global_batch_size=GLOBAL_BATCH)
        with shared.runs.open(f"ranks-{ranks}", spec=SPEC, plan=plan, adaptive_sampling=AdaptiveSampling()):
            results = run("trl", ranks, tmp_path / str(ranks))
        losses.append([*results[0]["logged"], *dict(shared.runs.losses(f"ranks-{ranks}", 0)).values()])
        # Loss and gradient of two steps of each trainer, and the losses of the samples of two steps.
        assert len(losses[-1]) == 8 + 4 * GLOBAL_BATCH
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_accelerate_divides_a_whole_dataset_and_is_refused_that_of_a_rank(tmp_path: Path) -> None:
    ranks = run("accelerate", 2, tmp_path)
    for rank in ranks:
        assert len(rank["refusals"]) == 3
        assert all("divided among ranks twice" in refusal for refusal in rank["refusals"])
        assert rank["own_loader_is_left_alone"]
    tokenizer = tiny_tokenizer()
    texts = [tokenizer.decode(row, skip_special_tokens=True) for rank in ranks for row in rank["whole"]]
    assert sorted(texts) == sorted(text_of(number) for number in range(COUNT))
