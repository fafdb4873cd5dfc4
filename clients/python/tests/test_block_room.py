"""The limits of a block cache on disk: when it looks at its folder, and what several processes may add."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loraloop import BlockCache

#: How often the folder is listed while as many new blocks are read, and how many of them stay.
COUNTER = """
import hashlib, os, sys
from pathlib import Path
from loraloop import BlockCache

folder, count = Path(sys.argv[1]), int(sys.argv[2])
limits = {name: int(limit) for name, limit in (argument.split("=") for argument in sys.argv[3:])}
looks = 0

def note(event, arguments):
    global looks
    looks += event == "os.scandir" and os.fspath(arguments[0]) == str(folder)

sys.addaudithook(note)
cache = BlockCache(folder, **limits)
for number in range(count):
    block = b"%08d" % number
    assert bytes(cache.read(hashlib.sha256(block).digest(), lambda: block)) == block
print(looks, len(cache))
"""


@pytest.mark.parametrize(
    ("limits", "looks", "kept"),
    [
        ([], 1, 500),
        (["max_items=320"], 500 // 5, 320),
        (["max_bytes=2560"], 500 // 5, 320),
        (["max_items=32"], 500, 32),
    ],
)
def test_the_folder_is_listed_for_a_64th_of_the_limits(
    tmp_path: Path, limits: list[str], looks: int, kept: int
) -> None:
    command = [sys.executable, "-c", COUNTER, str(tmp_path), "500", *limits]
    assert subprocess.check_output(command, text=True, timeout=120).split() == [str(looks), str(kept)]


def block_of(number: int) -> tuple[bytes, bytes]:
    block = b"%d," % number
    return hashlib.sha256(block).digest(), block


def read(cache: BlockCache, number: int) -> None:
    digest, block = block_of(number)
    assert bytes(cache.read(digest, lambda: block)) == block


def age(directory: Path, count: int) -> None:
    """Lets the use of so many blocks be a while ago, of the first one the longest."""
    for number in range(count):
        name = block_of(number)[0].hex()
        path = directory / name[:2] / name
        os.utime(path, ns=(time.time_ns() - (3_600 - number) * 10**9, path.stat().st_mtime_ns))


def test_what_others_used_since_the_last_look_stays(tmp_path: Path) -> None:
    for number in range(256):
        read(BlockCache(tmp_path), number)
    age(tmp_path, 256)
    cache, others = BlockCache(tmp_path, max_items=256), BlockCache(tmp_path)
    read(cache, 256)
    for number in range(1, 250):
        read(others, number)
    for number in range(257, 260):
        read(cache, number)
    kept = [number for number in range(260) if block_of(number)[0] in cache]
    assert kept == [*range(1, 250), *range(253, 260)]


def test_a_block_that_others_removed_makes_room(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path, max_items=256)
    for number in range(256):
        read(cache, number)
    cache = BlockCache(tmp_path, max_items=256)
    read(cache, 256)
    assert len(cache) == 256
    BlockCache(tmp_path).clear()
    for number in range(256):
        read(cache, number)
    assert len(cache) == 256


def test_what_killed_processes_leave_later_goes_too(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path, max_items=640)
    read(cache, 0)
    left = tmp_path / "00" / "left.part"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 7_200,) * 2)
    for number in range(1, 10):
        read(cache, number)
    assert left.exists()
    read(cache, 10)
    assert not left.exists()


def write_many(directory: Path, first: int, start: object) -> None:
    cache = BlockCache(directory, max_items=128)
    start.wait()  # type: ignore[attr-defined]
    for number in range(first, first + 120):
        read(cache, number)


def test_several_processes_keep_the_limits(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    processes = [context.Process(target=write_many, args=(tmp_path, 1_000 * place, start)) for place in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    # A 64th of the limit for each of the others.
    assert 128 - 4 * 2 <= len(BlockCache(tmp_path)) <= 128 + 3 * 2
