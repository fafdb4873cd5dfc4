"""The snippets of the first drafts, as their users wrote them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import IterableDataset
from torch.utils.data import DataLoader

import loraloop
from loraloop import Client
from loraloop.compat import (
    CachedThemisDBDataset,
    OptimizedStreamDataset,
    ThemisDBStreamDataset,
    themisdb_generator,
)
from tests.server import LoraloopServer

COUNT = 230
#: As a script has it, down to the last key.
QUERY = {
    "theme": "Rechtssprechung",
    "from_date": "2020-01-01",
    "batch_size": 100,
    "stream_mode": "continuous",
    "format": "instruction_tuning",
    "weighting": {"auto_weight_by_freshness": True},
}
Where = dict[str, Any]


@pytest.fixture(scope="module")
def where(server: LoraloopServer) -> Iterator[Where]:
    with Client(server.address, server.token) as client, pytest.MonkeyPatch.context() as patch:
        themes = ["Rechtssprechung", "Immissionsschutz"]
        client.ingest(
            "gesetze",
            (
                {
                    "id": f"{index:04d}",
                    "theme": themes[index % 2],
                    "instruction": f"Frage {index}",
                    "output": f"Antwort {index}",
                    "importance": 2,
                }
                for index in range(2 * COUNT)
            ),
        )
        patch.setenv("LORALOOP_COLLECTION", "gesetze")
        yield {"base_url": f"http://{server.address}", "token": server.token}
        gc.collect()


def test_epochs_of_a_loader(where: Where, tmp_path: Path) -> None:
    dataset = ThemisDBStreamDataset(**where, query_params=QUERY, cache_dir=tmp_path / "cache" / "epoch1")
    assert dataset.cache_enabled
    for _ in range(2):
        batches = list(DataLoader(dataset, batch_size=32))
        assert [len(batch["output"]) for batch in batches] == [32] * 7 + [6]
        assert batches[0]["instruction"][1] == "Frage 2"
        assert batches[0]["weight"][0].item() == pytest.approx(3, rel=1e-3)
    assert len(dataset.cache) == 1
    assert len(list((tmp_path / "cache" / "epoch1").glob("*/*"))) == 1


@pytest.mark.parametrize("cached", ["none", "memory", "disk"])
def test_an_epoch_that_was_broken_off_is_never_taken_for_a_whole(where: Where, cached: str, tmp_path: Path) -> None:
    dataset = ThemisDBStreamDataset(
        where["base_url"], where["token"], QUERY, str(tmp_path) if cached == "disk" else None
    )
    dataset.cache_enabled = cached != "none"
    for _, _ in zip(range(5), dataset, strict=False):
        pass
    assert len(list(dataset)) == len(list(dataset)) == COUNT


def test_every_pass_reads_the_newest_records(where: Where) -> None:
    query = {"theme": "neu", "collection": "neu"}
    with Client(where["base_url"].removeprefix("http://"), where["token"]) as client:
        client.upsert("neu", [{"id": "1", "theme": "neu", "instruction": "a", "output": "b"}])
        dataset = ThemisDBStreamDataset(**where, query_params=query)
        dataset.cache_enabled = True
        assert list(dataset) == [{"instruction": "a", "output": "b", "weight": 1.0}]
        client.upsert("neu", [{"id": "2", "theme": "neu", "instruction": "c", "output": "d", "importance": 0.5}])
        assert [sample["weight"] for sample in dataset] == [1.0, 0.5]


def test_single_samples(where: Where) -> None:
    dataset = CachedThemisDBDataset(**where, query_params=QUERY)
    whole = list(dataset)
    for index in (COUNT - 1, 0, 120, 121, 0):
        assert dataset._fetch_item(index) == whole[index]
    for index in (COUNT, COUNT + 1, -1):
        with pytest.raises(IndexError):
            dataset._fetch_item(index)


@pytest.mark.parametrize("prefetch_size", [7, 1000])
def test_prefetching_keeps_the_tail(where: Where, prefetch_size: int) -> None:
    dataset = OptimizedStreamDataset(**where, query_params=QUERY, prefetch_size=prefetch_size)
    assert len(list(dataset)) == COUNT


def test_a_generator_for_hugging_face(where: Where) -> None:
    query = {"theme": "Immissionsschutz", "format": "instruction_tuning"}
    dataset = IterableDataset.from_generator(themisdb_generator, gen_kwargs={**where, "query_params": query})
    samples = list(dataset)
    assert len(samples) == COUNT
    assert samples[0] == {"instruction": "Frage 1", "output": "Antwort 1", "weight": 2.0}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"them": "x"}, "them"),
        ({"stream_mode": "follow"}, "follow"),
        ({"format": "xml"}, "xml"),
        ({"weighting": {"freshness": True}}, "freshness"),
        ({"field_mapping": {"user_field": "q"}}, "user_field"),
    ],
)
def test_what_is_not_understood_is_named(where: Where, query: dict[str, Any], named: str) -> None:
    with pytest.raises(loraloop.ConfigurationError, match=named):
        ThemisDBStreamDataset(**where, query_params=query)


def test_a_collection_is_needed(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LORALOOP_COLLECTION")
    with pytest.raises(loraloop.ConfigurationError, match="LORALOOP_COLLECTION"):
        ThemisDBStreamDataset(**where)
