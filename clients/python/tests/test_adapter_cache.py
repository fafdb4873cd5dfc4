"""The folder of downloaded adapters, as several processes use it."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from loraloop import Artifact, Client, ContentDamagedError
from loraloop._registry.digests import files_digest, files_in
from loraloop._registry.download import _create
from loraloop._registry.folder_cache import FolderCache, default_cache
from tests.adapters import adapted, save_base_model
from tests.server import NODE, ROOT, LoraloopUp


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "below").mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "below" / "empty").touch()
    return folder


def artifact_of(folder: Path) -> Artifact:
    files = files_in(folder)
    return Artifact(files_digest(files), "", files, sum(file.byte_count for file in files), True)


def fetch(source: Path, log: Path, target: Path) -> None:
    with log.open("a") as file:
        file.write("fetched\n")
    time.sleep(0.2)
    shutil.copytree(source, target, dirs_exist_ok=True)


def ask(cache: Path, source: Path, log: Path) -> None:
    folder = FolderCache(cache).get(artifact_of(source), lambda target: fetch(source, log, target))
    assert files_in(folder) == files_in(source)


def test_of_several_processes_one_fetches(source: Path, tmp_path: Path) -> None:
    cache, log = tmp_path / "cache", tmp_path / "log"
    spawned = multiprocessing.get_context("spawn")
    processes = [spawned.Process(target=ask, args=(cache, source, log)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert log.read_text() == "fetched\n"
    assert (cache.stat().st_mode & 0o777, len(list(cache.glob("*.part")))) == (0o700, 0)


def test_what_is_not_the_artifact_gets_no_name(source: Path, tmp_path: Path) -> None:
    artifact, cache = artifact_of(source), tmp_path / "cache"
    with pytest.raises(ContentDamagedError, match=r"adapter_config\.json is missing"):
        FolderCache(cache).get(artifact, lambda _: None)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
    ask(cache, source, tmp_path / "log")


@pytest.mark.parametrize("digest", ["", "..", "0" * 64])
def test_what_is_not_the_digest_of_the_files_names_no_folder(digest: str, tmp_path: Path) -> None:
    with pytest.raises(ContentDamagedError, match="not the digest of its files"):
        FolderCache(tmp_path).get(Artifact(digest, "", [], 0, True), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(source: Path, tmp_path: Path) -> None:
    artifact, cache = artifact_of(source), tmp_path / "cache"
    old, slow = (cache / f"{artifact.digest}.{name}.part" for name in ("old", "slow"))
    now = time.time()
    for part, hours in ((old, 25), (slow, 23)):
        part.mkdir(parents=True)
        os.utime(part, (now - hours * 3_600, now - hours * 3_600))
    ask(cache, source, tmp_path / "log")
    assert (old.exists(), slow.exists()) == (False, True)


@contextmanager
def few_files() -> Iterator[None]:
    """Four more files can be open at once."""
    opened = [os.open("/", os.O_RDONLY) for _ in range(4)]
    for descriptor in opened:
        os.close(descriptor)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(opened) + 1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_folder_that_cannot_be_read_now_is_not_taken_for_damaged(source: Path, tmp_path: Path) -> None:
    deep = source / "below" / "deep" / "deeper" / "deepest"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    artifact, cache, log = artifact_of(source), tmp_path / "cache", tmp_path / "log"
    ask(cache, source, log)
    with few_files(), pytest.raises(OSError, match="Too many open files"):
        FolderCache(cache).get(artifact, lambda _: None)
    ask(cache, source, log)
    assert log.read_text() == "fetched\n"


def test_what_was_damaged_stays_until_it_is_replaced(source: Path, tmp_path: Path) -> None:
    artifact, cache, log = artifact_of(source), tmp_path / "cache", tmp_path / "log"
    ask(cache, source, log)
    (cache / artifact.digest / "more").touch()
    with pytest.raises(ContentDamagedError):
        FolderCache(cache).get(artifact, lambda _: None)
    assert (cache / artifact.digest / "adapter_config.json").exists()
    ask(cache, source, log)
    assert sorted(path.name for path in cache.iterdir()) == [artifact.digest, f"{artifact.digest}.lock"]


def test_a_file_in_the_place_of_a_folder_gives_way(source: Path, tmp_path: Path) -> None:
    artifact, cache = artifact_of(source), tmp_path / "cache"
    cache.mkdir()
    (cache / artifact.digest).touch()
    ask(cache, source, tmp_path / "log")
    assert sorted(path.name for path in cache.iterdir()) == [artifact.digest, f"{artifact.digest}.lock"]


def test_both_clients_use_one_cache(up: LoraloopUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("LORALOOP_ADDRESS", up.address)
    monkeypatch.setenv("LORALOOP_TOKEN", up.token)
    with Client() as client:
        base = save_base_model("llama", tmp_path / "base")
        client.registry.register_base_model(base, name="shared/llama")
        name = client.registry.register(adapted(base, target_modules=["q_proj"]), adapter="shared").name

        def download(language: str) -> str:
            if language == "python":
                return str(client.registry.download(name))
            command: list[str | Path] = [NODE, ROOT / "clients/cli/main.ts", "adapter", "download", name]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

        for _ in range(2):
            with ThreadPoolExecutor() as pool:
                (folder,) = set(pool.map(download, ["python", "typescript"] * 2))
            assert client.registry.verify_folder(name, folder) == []
            assert not list(default_cache().glob("*.part"))
            (Path(folder) / "adapter_config.json").write_text("damaged")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "loraloop" / "adapters"


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a//b", "a/./b", "a\\b", ""])
def test_a_path_out_of_the_folder_is_not_written(path: str, tmp_path: Path) -> None:
    with pytest.raises(ContentDamagedError):
        _create(tmp_path, path)
