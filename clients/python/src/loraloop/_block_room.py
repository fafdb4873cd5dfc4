from __future__ import annotations

import contextlib
import math
import os
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from loraloop._block_files import PART, files, remove
from loraloop._locks import ProcessLock

# A part that nobody has written to for so long is of a process that was killed.
_ABANDONED_SECONDS = 3_600.0
_LOOK_SECONDS = 600.0
_LOOKS = 64


class Limits(NamedTuple):
    """How many bytes and blocks a cache may have; None for any number of blocks."""

    max_bytes: int
    max_items: int | None

    def hold(self, items: int, size: int) -> bool:
        return size <= self.max_bytes and (self.max_items is None or items <= self.max_items)


class Entry(NamedTuple):
    """One block's file."""

    path: str
    size: int
    used_ns: int


class BlockRoom:
    """Keeps a folder of blocks within its limits: those stay that were used last.

    To look at the whole folder for each block takes longer the more there are. So this counts what the process adds,
    and looks before that is more than a 64th of the limits, and after ten minutes. While several processes write, each
    of the others may bring the folder over its limits by that 64th, or by one block where that is more.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._items = self._bytes = 0
        self._added_items = self._added_bytes = 0
        self._looked = -math.inf
        #: Of those that were there at the last look, the one that was not used for the longest time first.
        self._oldest: deque[Entry] = deque()
        self._lock = ProcessLock()

    def make(self, size: int) -> None:
        """Removes blocks until one more fits. Raises OSError where this process cannot look at the folder."""
        with self._lock:
            if self._is_look_due(size):
                self._look()
            while not self._limits.hold(self._items + 1, self._bytes + size):
                if self._oldest:
                    self._remove(self._oldest.popleft())
                elif self._added_items:
                    self._look()
                else:
                    # Others have just used all that is there.
                    break
            self._add(size)

    def _is_look_due(self, size: int) -> bool:
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            return True
        return not self._limits.hold(_LOOKS * (self._added_items + 1), _LOOKS * (self._added_bytes + size))

    def _look(self) -> None:
        """What killed processes began to write goes."""
        found = []
        for file, status in files(self._path):
            if not file.name.endswith(PART):
                found.append(Entry(file.path, status.st_size, status.st_atime_ns))
            elif time.time() - status.st_mtime > _ABANDONED_SECONDS:
                remove(file.path)
        self._oldest = deque(sorted(found, key=lambda entry: entry.used_ns))
        self._items, self._bytes = len(found), sum(entry.size for entry in found)
        self._added_items = self._added_bytes = 0
        self._looked = time.monotonic()

    def _remove(self, entry: Entry) -> None:
        """Unless it was used since the last look."""
        with contextlib.suppress(OSError):
            if os.stat(entry.path).st_atime_ns > entry.used_ns:
                return
        remove(entry.path)
        self._items, self._bytes = self._items - 1, self._bytes - entry.size

    def _add(self, size: int) -> None:
        self._items, self._bytes = self._items + 1, self._bytes + size
        self._added_items, self._added_bytes = self._added_items + 1, self._added_bytes + size
