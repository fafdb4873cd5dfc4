"""The block cache on disk in a process that may have few open files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BLOCKS = 200
#: Epochs over more blocks than the process may open; then one in which it may open nothing at all.
READER = f"""
import hashlib, os, resource, sys
from loraloop import BlockCache

def blocks():
    for number in range({BLOCKS}):
        block = b"%d," % number * 1000
        yield hashlib.sha256(block).digest(), block

def read(cache, held=None):
    fetched = 0
    for digest, block in blocks():
        def fetch():
            nonlocal fetched
            fetched += 1
            return block
        content = cache.read(digest, fetch)
        if held is not None:
            held.append(content)
        assert content[5:500] == block[5:500]
    return fetched

def descriptors():
    return len(os.listdir("/proc/self/fd"))

cache = BlockCache(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
before = descriptors()
print(read(cache), read(cache), descriptors() - before)
# As those do that wait for their reader.
held = []
print(read(cache, held), descriptors() - before)
held.clear()
cache, taken = BlockCache(sys.argv[1]), []
while True:
    try:
        taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        break
print(read(cache))
os.close(taken.pop())
print(read(cache))
"""


def test_the_cache_keeps_few_files_open_and_removes_none_that_it_cannot_open(tmp_path: Path) -> None:
    output = subprocess.check_output([sys.executable, "-c", READER, str(tmp_path)], text=True, timeout=60)
    assert output.splitlines() == [f"{BLOCKS} 0 8", "0 8", f"{BLOCKS}", "0"]
    assert len(list(tmp_path.glob("*/*"))) == BLOCKS
