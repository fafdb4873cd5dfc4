from __future__ import annotations

import os
import threading
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
