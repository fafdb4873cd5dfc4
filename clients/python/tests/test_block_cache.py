"""The block cache alone: what it keeps, and what it never gives."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import shutil
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import loraloop
from loraloop import BlockCache


def block(number: int) -> bytes:
    return b"%d," % number * 1000


def digest(number: int) -> bytes:
    return hashlib.sha256(block(number)).digest()


def file_of(directory: Path, number: int) -> Path:
    name = digest(number).hex()
    return directory / name[:2] / name


class Source:
    """Where blocks are fetched; counts."""

    def __init__(self) -> None:
        self.fetched: list[int] = []

    def __call__(self, number: int) -> Callable[[], bytes]:
        def fetch() -> bytes:
            self.fetched.append(number)
            return block(number)

        return fetch


@pytest.fixture(params=["memory", "disk"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "blocks" if request.param == "disk" else None


def test_a_block_is_fetched_once(directory: Path | None) -> None:
    cache, source = BlockCache(directory), Source()
    for _ in range(3):
        assert bytes(cache.read(digest(1), source(1))) == block(1)
    assert source.fetched == [1]
    assert digest(1) in cache
    assert digest(2) not in cache


@pytest.mark.parametrize("limits", [{"max_items": 2}, {"max_bytes": len(block(1)) * 2}])
def test_the_least_recently_used_goes_first(directory: Path | None, limits: dict[str, int]) -> None:
    cache, source = BlockCache(directory, **limits), Source()
    for number in (1, 2, 1, 3, 1, 4):
        age(directory)
        cache = pickle.loads(pickle.dumps(cache)) if directory else cache
        cache.read(digest(number), source(number))
    assert source.fetched == [1, 2, 3, 4]
    assert [number for number in range(1, 5) if digest(number) in cache] == [1, 4]
    assert len(cache) == 2


def age(directory: Path | None) -> None:
    """Lets all uses so far be a minute older."""
    for path in directory.glob("*/*") if directory and directory.exists() else ():
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns - 60 * 10**9, status.st_mtime_ns))


def test_a_block_larger_than_the_cache_is_given_and_not_kept(directory: Path | None) -> None:
    cache = BlockCache(directory, max_bytes=10)
    assert bytes(cache.read(digest(1), Source()(1))) == block(1)
    assert len(cache) == 0


def test_other_bytes_are_refused(directory: Path | None) -> None:
    cache = BlockCache(directory)
    with pytest.raises(loraloop.ContentDamagedError):
        cache.read(digest(1), Source()(2))
    assert len(cache) == 0


@pytest.mark.parametrize("damage", [b"", b"1,", b"2," * 1000, None], ids=["empty", "half", "other", "gone"])
@pytest.mark.parametrize("was_read", [True, False])
def test_a_damaged_file_is_fetched_again(tmp_path: Path, damage: bytes | None, was_read: bool) -> None:
    cache, source = BlockCache(tmp_path), Source()
    cache.read(digest(1), source(1))
    reader = cache if was_read else BlockCache(tmp_path)
    file = file_of(tmp_path, 1)
    if damage is None:
        file.unlink()
    else:
        file.with_suffix(".new").write_bytes(damage)
        file.with_suffix(".new").replace(file)
    assert bytes(reader.read(digest(1), source(1))) == block(1)
    assert bytes(BlockCache(tmp_path).read(digest(1), source(1))) == block(1)
    assert source.fetched == [1, 1]


def test_a_file_damaged_in_place_is_noticed(tmp_path: Path) -> None:
    cache, source = BlockCache(tmp_path), Source()
    cache.read(digest(1), source(1))
    with file_of(tmp_path, 1).open("r+b") as file:
        file.write(b"7")
    assert bytes(cache.read(digest(1), source(1))) == block(1)
    assert source.fetched == [1, 1]


def test_the_directory_may_be_deleted_at_any_time(tmp_path: Path) -> None:
    cache, source = BlockCache(tmp_path / "blocks"), Source()
    kept = cache.read(digest(1), source(1))
    shutil.rmtree(tmp_path / "blocks")
    assert bytes(kept) == block(1)
    assert bytes(cache.read(digest(1), source(1))) == block(1)
    assert source.fetched == [1, 1]


def test_a_directory_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    cache = BlockCache(file / "blocks")
    assert bytes(cache.read(digest(1), Source()(1))) == block(1)
    assert len(cache) == 0


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    cache, source = BlockCache(tmp_path), Source()
    left = file_of(tmp_path, 1).with_suffix(".0123.part")
    left.parent.mkdir()
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 7_200,) * 2)
    cache.read(digest(1), source(1))
    assert not left.exists()
    assert len(cache) == 1


def test_clear(directory: Path | None) -> None:
    cache = BlockCache(directory)
    cache.read(digest(1), Source()(1))
    cache.clear()
    assert len(cache) == 0


def read_slowly(directory: Path, log: Path) -> None:
    def fetch() -> bytes:
        with log.open("a") as file:
            file.write("fetched\n")
        time.sleep(0.2)
        return block(1)

    assert bytes(BlockCache(directory).read(digest(1), fetch)) == block(1)


def test_processes_fetch_a_block_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "blocks", tmp_path / "log")
    processes = [context.Process(target=read_slowly, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "fetched\n"


@pytest.mark.parametrize(
    ("text", "size"), [("10GB", 10**10), ("512MiB", 512 * 2**20), ("1.5 kb", 1500), ("7", 7), (9, 9), ("3B", 3)]
)
def test_sizes(text: str | int, size: int) -> None:
    assert BlockCache(max_bytes=text).max_bytes == size


@pytest.mark.parametrize("text", ["10 apples", "1e400GB", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a size"):
        BlockCache(max_bytes=text)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_bytes": -1}, "-1 is below 0; write a size like 10GB"),
        ({"max_bytes": "-5GB"}, "'-5GB' is below 0"),
        ({"prefetch_bytes": -1}, "-1 is below 0"),
        ({"max_items": -1}, "max_items is -1; give a count of blocks"),
    ],
)
def test_limits_below_0(directory: Path | None, limits: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BlockCache(directory, **limits)


def test_what_another_process_has_removed_is_let_go(tmp_path: Path) -> None:
    cache, source = BlockCache(tmp_path, max_items=2), Source()
    kept = [weakref.ref(cache.read(digest(number), source(number))) for number in (1, 2)]
    assert all(view() is not None for view in kept)
    age(tmp_path)
    BlockCache(tmp_path, max_items=2).read(digest(3), source(3))
    cache.read(digest(3), source(3))
    assert [view() is not None for view in kept].count(True) == 1
    shutil.rmtree(tmp_path)
    assert digest(3) not in cache
    cache.read(digest(4), source(4))
    assert not any(view() is not None for view in kept)


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    BlockCache(tmp_path / "blocks").read(digest(1), Source()(1))
    found = [tmp_path / "blocks", *(tmp_path / "blocks").rglob("*")]
    assert {oct(path.stat().st_mode & 0o777) for path in found if path.is_dir()} == {oct(0o700)}
    assert {oct(path.stat().st_mode & 0o777) for path in found if path.is_file()} == {oct(0o600)}
