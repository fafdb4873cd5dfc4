"""Trainings, workers and servers killed at random, while the world changes: every global batch is what it should be.

`LORALOOP_KILLS` says how often (10), `LORALOOP_SEED` when.
"""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from loraloop import BlockCache, Client, Mixture, MixtureSource, Plan
from loraloop.torch import StreamingDataLoader, StreamingDataset, merge_state_dicts
from tests.server import LoraloopServer

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
KILLS = int(os.environ.get("LORALOOP_KILLS", "10"))
BATCH = 12
EPOCHS = 3
#: Long enough for all kills to come before the end.
STEP_SECONDS = KILLS * 0.4 / 1_300
WORLDS = [(1, 0), (2, 2), (4, 1), (3, 0), (1, 4), (2, 0), (3, 1)]


def order(keys: dict[str, str]) -> dict[str, Any]:
    sources = [MixtureSource(snapshot=keys["many"], proportion=3), MixtureSource(snapshot=keys["few"])]
    return {"weights": "sampling", "mixture": Mixture(sources, exhaustion="all")}


def digest(samples: list[Any]) -> str:
    return hashlib.sha256(json.dumps(samples).encode()).hexdigest()


def train(where: tuple[str, str], keys: dict[str, str], folder: Path, world_size: int, workers: int) -> None:
    """All ranks of a training: writes down each global batch, then where it is."""
    checkpoint, log = folder / "state.json", folder / "log.jsonl"
    loaders = []
    for rank in range(world_size):
        dataset = StreamingDataset(
            client=Client(*where),
            rank=rank,
            world_size=world_size,
            shuffle=True,
            shuffle_seed=11,
            global_batch_size=BATCH,
            with_ids=True,
            cache=BlockCache(folder / "blocks") if workers % 2 else None,
            compression="zstd" if world_size % 2 else "none",
            **order(keys),
        )
        loaders.append(StreamingDataLoader(dataset, num_workers=workers))
    if checkpoint.exists():
        for loader in loaders:
            loader.load_state_dict(json.loads(checkpoint.read_text()))
    for epoch in range(loaders[0].epoch, EPOCHS):
        for loader in loaders:
            loader.set_epoch(epoch)
        for parts in zip(*loaders, strict=True):
            samples = [sample for part in parts for sample in part]
            state = merge_state_dicts([loader.state_dict() for loader in loaders])
            with log.open("a") as file:
                file.write(json.dumps([epoch, samples[0]["index"] // BATCH, digest(samples)]) + "\n")
            (folder / "state.new").write_text(json.dumps(state))
            (folder / "state.new").replace(checkpoint)
            time.sleep(STEP_SECONDS)
    (folder / "done").touch()


@pytest.fixture
def prepared(mortal: LoraloopServer) -> Iterator[dict[str, str]]:
    with Client(mortal.address, mortal.token) as client:
        keys = {}
        for name, count in (("many", 4_000), ("few", 300)):
            rows = (
                {"id": f"{index:05d}", "text": f"{name} {index} " + "x" * 300, "w": index % 4} for index in range(count)
            )
            client.ingest(name, rows)
            spec = {"collection": name, "format": "text", "weighting": {"weight_field": "w"}}
            keys[name] = client.snapshots.wait(client.snapshots.build(spec=spec).key).key
        yield keys
    gc.collect()


def undisturbed(where: tuple[str, str], keys: dict[str, str]) -> dict[tuple[int, int], str]:
    batches = {}
    with Client(*where) as client:
        for epoch in range(EPOCHS):
            plan = Plan(epoch=epoch, seed=11, shuffle=True, global_batch_size=BATCH, **order(keys))
            samples = list(client.stream(plan=plan, with_ids=True))
            for first in range(0, len(samples), BATCH):
                batches[epoch, first // BATCH] = digest(samples[first : first + BATCH])
    return batches


def test_every_global_batch_is_what_it_should_be(
    mortal: LoraloopServer, prepared: dict[str, str], tmp_path: Path
) -> None:
    dice = random.Random(int(os.environ.get("LORALOOP_SEED", "1")))
    where = (mortal.address, mortal.token)
    expected = undisturbed(where, prepared)
    context = multiprocessing.get_context("fork")
    kills = 0
    while not (tmp_path / "done").exists():
        world = WORLDS[kills % len(WORLDS)]
        training = context.Process(target=train, args=(where, prepared, tmp_path, *world))
        training.start()
        if kills < KILLS:
            kills += 1
            training.join(dice.uniform(0.1, 0.7))
            strike(training, mortal, dice)
        training.join(60)
        end(training)
    assert kills == KILLS
    # A step that no checkpoint knew of came again, with the same samples.
    seen: dict[tuple[int, int], set[str]] = {}
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        epoch, number, found = json.loads(line)
        seen.setdefault((epoch, number), set()).add(found)
    assert seen == {place: {found} for place, found in expected.items()}


def strike(training: multiprocessing.process.BaseProcess, server: LoraloopServer, dice: random.Random) -> None:
    """Ends something: the training, one of its workers, or the server, which comes again."""
    victim = dice.choice(["training", "worker", "server"])
    if victim == "server":
        server.kill()
        server.start()
        time.sleep(dice.uniform(0, 0.5))
        victim = "training"
    workers = children(training) if victim == "worker" else []
    if workers:
        dice.choice(workers).kill()
    else:
        end(training)


def children(training: multiprocessing.process.BaseProcess) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = psutil.Process(training.pid).children()
    except psutil.NoSuchProcess:
        return []
    return found


def end(training: multiprocessing.process.BaseProcess) -> None:
    """kill -9, with what it leaves behind."""
    left = children(training)
    training.kill()
    training.join()
    for process in left:
        process.kill()
