"""Watches of the real server, killed and started again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import loraloop
from loraloop import Adapter, AdapterVersion, AliasMove, Client, aio
from tests.adapters import adapted, save_base_model
from tests.server import LoraloopUp


@pytest.fixture
def mortal_up(tmp_path: Path) -> Iterator[LoraloopUp]:
    """On RocksDB, to be killed and started again."""
    server = LoraloopUp(tmp_path / "data", "rocksdb")
    yield server
    server.kill()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    base = save_base_model("llama", folder / "base")
    adapted(base, target_modules=["q_proj"]).save_pretrained(str(folder / "adapter"))
    return folder


def register(client: Client, saved: Path, adapter: str, count: int) -> None:
    client.registry.register_base_model(saved / "base", name="watched/llama")
    for _ in range(count):
        client.registry.register(saved / "adapter", adapter=adapter, alias="production")


def numbers(commits: list[loraloop.AdapterCommit]) -> list[int]:
    return [change.version for commit in commits for change in commit.changes if isinstance(change, AdapterVersion)]


def test_changes_of_a_commit_come_together(up: LoraloopUp, saved: Path) -> None:
    with Client(up.address, up.token) as client, client.registry.watch(adapter="watched") as watch:
        now = next(watch)
        assert now.changes == ()
        register(client, saved, "watched", 1)
        commit = next(commit for commit in watch if commit.changes)
        assert commit.revision > now.revision
        assert {type(change) for change in commit.changes} == {Adapter, AdapterVersion, AliasMove}
        with client.registry.watch(after_revision=now.revision, adapter="watched") as again:
            assert next(commit for commit in again if commit.changes) == commit


def test_a_watch_goes_on_where_a_list_was(up: LoraloopUp, saved: Path) -> None:
    with Client(up.address, up.token) as client:
        register(client, saved, "listed", 2)
        listed = client.registry.list_versions("listed")
        revision = listed.revision
        assert [version.version for version in listed] == [1, 2]
        assert listed.revision == revision
        register(client, saved, "listed", 1)
        with client.registry.watch(after_revision=revision, adapter="listed") as watch:
            assert numbers([next(commit for commit in watch if commit.changes)]) == [3]


def test_a_watch_goes_on_after_kills(mortal_up: LoraloopUp, saved: Path) -> None:
    server = mortal_up
    with Client(server.address, server.token, patience=60) as client:
        register(client, saved, "killed", 1)
        seen: list[loraloop.AdapterCommit] = []
        with client.registry.watch(after_revision=0, adapter="killed") as watch:
            for count in range(2, 5):
                seen.append(next(commit for commit in watch if commit.changes))
                server.kill()
                server.start()
                register(client, saved, "killed", 1)
                assert client.registry.get_adapter("killed").latest_version == count
            seen.append(next(commit for commit in watch if commit.changes))
        assert numbers(seen) == [1, 2, 3, 4]


def test_closing_ends_the_iteration_of_another_thread(up: LoraloopUp) -> None:
    with Client(up.address, up.token) as client:
        watch = client.registry.watch()
        next(watch)
        reader = threading.Thread(target=list, args=(watch,))
        reader.start()
        watch.close()
        reader.join(10)
        assert not reader.is_alive()


def test_asyncio_sees_the_same(up: LoraloopUp, saved: Path) -> None:
    async def rest(watch: aio.AdapterWatch) -> list[loraloop.AdapterCommit]:
        return [commit async for commit in watch]

    async def watch_it() -> list[loraloop.AdapterCommit]:
        async with aio.Client(up.address, up.token) as client:
            async with client.registry.watch(adapter="awaited") as watch:
                seen = [await anext(watch)]
                await asyncio.to_thread(register_more)
                while len(numbers(seen)) < 2:
                    seen.append(await anext(watch))
                await cancelled(asyncio.create_task(rest(watch)))
                await asyncio.to_thread(register_more)
                while len(numbers(seen)) < 4:
                    seen.append(await anext(watch))
                reader = asyncio.create_task(rest(watch))
                await asyncio.sleep(0)
                watch.close()
                assert await reader == []
            assert (await client.registry.resolve("awaited@production")).version == 4
            assert (await client.registry.get_version("awaited@1")).adapter == "awaited"
            return seen

    async def cancelled(reader: asyncio.Task[list[loraloop.AdapterCommit]]) -> None:
        await asyncio.sleep(0.1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader

    def register_more() -> None:
        with Client(up.address, up.token) as client:
            register(client, saved, "awaited", 2)

    assert numbers(asyncio.run(watch_it())) == [1, 2, 3, 4]
