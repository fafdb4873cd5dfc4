"""Accelerate and transformers' Trainer on two processes (gloo)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from loraloop import AdaptiveSampling, Client, Plan
from loraloop.trainer._positions import newest_checkpoint
from tests.server import LoraloopServer
from tests.tiny import text_of, tiny_tokenizer
from tests.two_ranks import GLOBAL_BATCH, SCENARIOS, SPEC, SPLIT

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


@pytest.fixture(scope="module", autouse=True)
def environment(server: LoraloopServer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LORALOOP_ADDRESS", server.address)
        patch.setenv("LORALOOP_TOKEN", server.token)
        yield


@contextmanager
def started(scenario: str, ranks: int, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process for each rank; those that are left in the end are killed."""
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
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(scenario: str, ranks: int, folder: Path) -> list[dict[str, Any]]:
    """What each rank says, in order; one rank is this process."""
    folder.mkdir(exist_ok=True)
    if ranks == 1:
        return [SCENARIOS[scenario](folder / "output")]
    with started(scenario, ranks, folder) as processes:
        assert [process.wait(timeout=120) for process in processes] == [0] * ranks
    return [json.loads((folder / f"{scenario}-{rank}.json").read_text()) for rank in range(ranks)]


def test_two_ranks_then_one_then_two_train_on_the_same_batches(tmp_path: Path) -> None:
    (alone,) = run("train-6", 1, tmp_path / "alone")
    parts = [run(f"train-{steps}", ranks, tmp_path / "moved") for steps, ranks in ((2, 2), (4, 1), (6, 2))]
    shares = [share for ranks in parts for share in zip(*(rank["seen"] for rank in ranks), strict=True)]
    assert [list(chain(*share)) for share in shares] == alone["seen"]
    for ranks in parts:
        for step, loss in ranks[0]["losses"].items():
            assert loss == pytest.approx(alone["losses"][int(step)], rel=1e-4)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return run("dropout", 2, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize(
    ("place", "saved_by_the_other", "whole", "steps"),
    [
        ("model", "rng_state_1.pth", "checkpoint-2", 2),
        ("random-numbers", "rng_state_0.pth", "checkpoint-2", 2),
        ("upload", "trainer_state.json", "checkpoint-4", 4),
    ],
)
def test_ranks_that_are_killed_while_they_save_go_on_at_the_newest_whole_checkpoint(
    place: str, saved_by_the_other: str, whole: str, steps: int, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with started(f"held-{place}", 2, tmp_path) as processes:
        deadline = time.monotonic() + 120
        while not ((output / "held").exists() and (output / "checkpoint-4" / saved_by_the_other).exists()):
            assert [process.poll() for process in processes] == [None, None]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # What else the other rank would do.
        time.sleep(1)
    assert newest_checkpoint(str(output)) == str(output / whole)
    for resumed, expected in zip(run("dropout", 2, tmp_path), undisturbed, strict=True):
        assert resumed["seen"] == expected["seen"][2 * steps :]
        assert resumed["weights"] == expected["weights"]
        assert resumed["losses"] == expected["losses"]


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


def test_two_ranks_evaluate_each_sample_once(shared: Client, tmp_path: Path) -> None:
    with shared.stream(spec=SPLIT, split="validation") as stream:
        texts = [sample["text"] for sample in stream]
    # The last global batch fills no rank's part.
    assert 0 < len(texts) % (2 * GLOBAL_BATCH) < 2 * GLOBAL_BATCH
    ranks = run("evaluate", 2, tmp_path)
    for name, expected in enumerate([texts, texts, [f"{text} {text}" for text in texts]]):
        for evaluation in range(2):
            batches = zip(*(rank["evaluations"][name][evaluation] for rank in ranks), strict=True)
            seen = list(chain(*(chain(*batch) for batch in batches)))
            assert seen[: len(expected)] == expected
            # What fills up the last batches.
            assert set(seen[len(expected) :]) <= set(expected[-(len(expected) % (2 * GLOBAL_BATCH)) :])
    tokenizer = tiny_tokenizer()
    for rank in ranks:
        for labels in rank["labels"]:
            rows = [[token for token in row if token != -100] for row in labels]
            assert [tokenizer.decode(row) for row in rows] == texts


def test_accelerate_divides_a_whole_dataset_and_is_refused_that_of_a_rank(tmp_path: Path) -> None:
    ranks = run("accelerate", 2, tmp_path)
    for rank in ranks:
        assert len(rank["refusals"]) == 3
        assert all("divided among ranks twice" in refusal for refusal in rank["refusals"])
        assert rank["own_loader_is_left_alone"]
    tokenizer = tiny_tokenizer()
    texts = [tokenizer.decode(row, skip_special_tokens=True) for rank in ranks for row in rank["whole"]]
    assert sorted(texts) == sorted(text_of(number) for number in range(COUNT))
