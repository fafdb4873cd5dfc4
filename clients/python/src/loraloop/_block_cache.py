from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from loraloop._block_folder import BlockFolder
from loraloop._block_maps import Block
from loraloop._block_room import Limits
from loraloop._locks import ProcessLock
from loraloop.errors import ContentDamagedError

#: Bytes, or text such as "10GB" or "512MiB".
Size: TypeAlias = "int | str"

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


class BlockCache:
    """Blocks of snapshots (about 8 MiB each) that were read before, so that later epochs do not fetch them again.

    With a `directory` they lie in files that all workers, ranks and runs of one user on the machine share, and nobody
    else can read; it may be deleted at any time. Without, they lie in the memory of each process. At most `max_bytes`
    and `max_items` blocks stay, those used last; while several processes write, each of the others may bring the folder
    over these limits by a 64th of them, or by one block where that is more. Every block is compared with its SHA-256
    digest when a process first reads it, and again when its file has changed. A stream fetches at most about
    `prefetch_bytes` ahead of its reader. Raises ValueError for limits that are no sizes or below 0.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        max_bytes: Size = "10GB",
        max_items: int | None = None,
        *,
        prefetch_bytes: Size = "64MiB",
    ) -> None:
        self.directory = Path(directory) if directory is not None else None
        self.max_bytes = to_bytes(max_bytes)
        if max_items is not None and max_items < 0:
            raise ValueError(f"max_items is {max_items}; give a count of blocks, or None for any number")
        self.max_items = max_items
        self.prefetch_bytes = to_bytes(prefetch_bytes)
        self._limits = Limits(self.max_bytes, max_items)
        self._folder = BlockFolder(self.directory, self._limits) if self.directory is not None else None
        self._memory: OrderedDict[bytes, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._lock = ProcessLock()

    def __len__(self) -> int:
        """Blocks that are there now."""
        return len(self._folder) if self._folder is not None else len(self._memory)

    def __contains__(self, digest: bytes) -> bool:
        return self._folder.has(digest) if self._folder is not None else digest in self._memory

    def read(self, digest: bytes, fetch: Callable[[], bytes]) -> Block:
        """The block of a digest, from `fetch` where it is not there; ContentDamagedError where that is another."""
        if self._folder is not None:
            return self._folder.read(digest, lambda: _checked(digest, fetch()))
        block = self._recall(digest)
        if block is None:
            block = _checked(digest, fetch())
            self._remember(digest, block)
        return block

    def clear(self) -> None:
        """Removes all blocks."""
        if self._folder is not None:
            self._folder.clear()
        with self._lock:
            self._memory.clear()
            self._memory_bytes = 0

    def _recall(self, digest: bytes) -> bytes | None:
        with self._lock:
            block = self._memory.get(digest)
            if block is not None:
                self._memory.move_to_end(digest)
            return block

    def _remember(self, digest: bytes, block: bytes) -> None:
        with self._lock:
            if digest in self._memory or not self._limits.hold(1, len(block)):
                return
            self._memory[digest] = block
            self._memory_bytes += len(block)
            while not self._limits.hold(len(self._memory), self._memory_bytes):
                self._memory_bytes -= len(self._memory.popitem(last=False)[1])

    def __getstate__(self) -> dict[str, Any]:
        """A copy shares the directory, not the memory."""
        return {**self.__dict__, "_memory": OrderedDict(), "_memory_bytes": 0, "_folder": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._folder = BlockFolder(self.directory, self._limits) if self.directory is not None else None


def to_bytes(size: Size) -> int:
    """Raises ValueError for text that is no size, and for one below 0."""
    count = size if isinstance(size, int) else _parse(size)
    if count < 0:
        raise ValueError(f"{size!r} is below 0; write a size like 10GB or 512MiB")
    return count


def _parse(text: str) -> int:
    number = text.strip().upper().rstrip("KMGTIB")
    unit = text.strip().upper()[len(number) :]
    try:
        return int(float(number) * _UNITS[unit])
    except (KeyError, OverflowError, ValueError):
        raise ValueError(f"{text!r} is not a size; write it like 10GB or 512MiB") from None


def _checked(digest: bytes, block: bytes) -> bytes:
    if hashlib.sha256(block).digest() != digest:
        raise ContentDamagedError(f"block {digest.hex()} came with other bytes", code="DATA_LOSS")
    return block
