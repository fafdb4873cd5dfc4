from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any


class ProcessLock:
    """A lock between the threads of one process. A forked child has its own, whatever its parent's threads held."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def __enter__(self) -> None:
        (self._locks.get(os.getpid()) or self._locks.setdefault(os.getpid(), threading.Lock())).acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locks[os.getpid()].release()

    def __getstate__(self) -> dict[str, Any]:
        return {"_locks": {}}


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """A lock between processes, which ends with the one that holds it. Without locks (some network file systems) none.

    The file stays, its user's alone.
    """
    import fcntl

    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Closing alone would leave it to a child that was forked meanwhile.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
