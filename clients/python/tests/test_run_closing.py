"""Registrations that close their run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import loraloop
from loraloop import Client
from loraloop.errors import make_error
from tests.adapters import adapted, load_base_model, save_base_model
from tests.server import LoraloopUp


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        client.ingest("closing", [{"id": "1", "text": "one"}])
        client.datasets.put("closing", {"collection": "closing", "format": "text"})
        yield client


@pytest.fixture(scope="module")
def saved(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an adapter."""
    base, folder = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("saved")
    client.registry.register_base_model(save_base_model("llama", base), name="closing/llama")
    adapted(load_base_model(base), target_modules=["q_proj"]).save_pretrained(str(folder))
    return folder


def versions_of(client: Client, adapter: str) -> list[str]:
    return [version.name for version in client.registry.list_versions(adapter)]


def test_a_run_that_is_closed_by_another_version_makes_none(client: Client, saved: Path) -> None:
    registry = client.registry
    run = client.runs.open("closed", dataset="closing")
    first = registry.register(saved, adapter="closed", run=run, close_run=True)
    for adapter in ("closed", "closed-other"):
        with pytest.raises(loraloop.FailedPreconditionError, match="closed with closed@1: nothing was regis") as caught:
            registry.register(saved, adapter=adapter, run=run, close_run=True, alias="production")
        assert (caught.value.reason, caught.value.metadata["run"]) == ("RUN_CONFLICT", "closed")
    assert versions_of(client, "closed") == ["closed@1"]
    assert registry.get_adapter("closed").aliases == ()
    with pytest.raises(loraloop.NotFoundError):
        registry.get_adapter("closed-other")
    assert registry.register(saved, adapter="closed", run=run, close_run=True).name == first.name
    # A second version of the run, beside the one that closed it.
    assert registry.register(saved, adapter="closed", run=run, alias="production").name == "closed@2"


def test_the_same_again_is_the_same_where_the_base_model_is_gone(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, saved = tmp_path / "base", tmp_path / "saved"
    client.registry.register_base_model(save_base_model("llama", base), name="closing/gone")
    adapted(load_base_model(base), target_modules=["q_proj"]).save_pretrained(str(saved))
    with client.runs.open("gone", dataset="closing") as run:
        with monkeypatch.context() as patch:
            patch.setattr(run, "close", broken)
            with pytest.raises(loraloop.RpcError, match="could not be closed"):
                client.registry.register(saved, adapter="gone", run=run, close_run=True)
        shutil.rmtree(base)
        for _ in range(2):
            assert client.registry.register(saved, adapter="gone", run=run, close_run=True).name == "gone@1"
    assert versions_of(client, "gone") == ["gone@1"]


def broken(**_: object) -> None:
    raise make_error("it is away", code="UNAVAILABLE", reason="", metadata={})


def test_a_run_that_failed_makes_no_version_that_would_close_it(client: Client, saved: Path) -> None:
    run = client.runs.open("failed", dataset="closing")
    run.close(succeeded=False, message="out of memory")
    with pytest.raises(loraloop.FailedPreconditionError, match="closed with out of memory"):
        client.registry.register(saved, adapter="failed", run=run, close_run=True)
    with pytest.raises(loraloop.NotFoundError):
        client.registry.get_adapter("failed")


def test_a_run_that_cannot_be_closed_names_the_version_that_is_there(client: Client, saved: Path) -> None:
    replaced = client.runs.open("replaced", dataset="closing")
    with client.runs.open("replaced", dataset="closing") as run:
        with pytest.raises(loraloop.FailedPreconditionError, match="replaced@1 is registered, but its run") as caught:
            client.registry.register(saved, adapter="replaced", run=replaced, close_run=True)
        assert (caught.value.reason, caught.value.metadata["version"]) == ("RUN_CONFLICT", "replaced@1")
        assert client.registry.register(saved, adapter="replaced", run=run, close_run=True).name == "replaced@1"
    assert versions_of(client, "replaced") == ["replaced@1"]
