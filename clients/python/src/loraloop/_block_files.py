from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

#: Ends the names of files that are not whole yet.
PART = ".part"
LOCK = ".lock"


def files(path: Path) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    """Blocks and parts of a folder. Raises OSError where this process cannot look, as for want of descriptors."""
    for folder in _scan(path):
        if not folder.name.endswith(LOCK):
            for file in _scan(folder.path):
                with contextlib.suppress(OSError):
                    yield file, file.stat()


def remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _scan(path: str | Path) -> list[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(path) as found:
        return list(found)
    return []
