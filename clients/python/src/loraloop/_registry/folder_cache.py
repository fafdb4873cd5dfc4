from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from loraloop._locks import file_lock
from loraloop._registry.digests import compare_files, files_digest, files_in
from loraloop._registry.values import Artifact
from loraloop.errors import ContentDamagedError, FileError

_PART = ".part"
# A part that is so old is of a process that was killed; the same in all client languages.
_ABANDONED_SECONDS = 24 * 3_600.0
# What a rename onto a folder that holds something says, or onto a file.
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def default_cache() -> Path:
    """`loraloop/adapters` among the user's caches, as in the other client languages."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "loraloop" / "adapters"


class FolderCache:
    """Folders of files named by their artifact's digest, shared by processes of one user.

    A folder gets its name once it is whole and right, and is compared again whenever it is asked for. Of several
    processes that ask, one fetches and the others wait. What was damaged stays until it is replaced, and is moved
    aside then: whoever reads it reads on. A folder may be deleted while nobody reads it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, artifact: Artifact, fetch: Callable[[Path], None]) -> Path:
        """The folder of an artifact; `fetch` fills an empty one. ContentDamagedError where that is not the artifact."""
        if artifact.digest != files_digest(artifact.files):
            raise ContentDamagedError(f"{artifact.digest!r} is not the digest of its files", code="DATA_LOSS")
        self._path.mkdir(0o700, parents=True, exist_ok=True)
        folder = self._path / artifact.digest
        with file_lock(folder.with_suffix(".lock")):
            if _difference(folder, artifact):
                _remove_abandoned(folder)
                _make(folder, artifact, fetch)
        return folder


def _difference(folder: Path, artifact: Artifact) -> str:
    """What is wrong with a folder; empty where nothing is. OSError where it cannot be read: that says nothing."""
    try:
        differences = compare_files(artifact.files, files_in(folder))
    except (FileError, FileNotFoundError, NotADirectoryError) as error:
        return str(error)
    return f"{differences[0].path} is {differences[0].problem}" if differences else ""


def _make(folder: Path, artifact: Artifact, fetch: Callable[[Path], None]) -> None:
    part = _beside(folder)
    part.mkdir(0o700)
    try:
        fetch(part)
        problem = _difference(part, artifact)
        if problem:
            raise ContentDamagedError(f"artifact {artifact.digest} came with other files: {problem}", code="DATA_LOSS")
        _settle(part, folder, artifact)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _settle(part: Path, folder: Path, artifact: Artifact) -> None:
    """Another process may have been quicker, one of another client or without locks; what was damaged gives way."""
    while not _takes_place(part, folder) and _difference(folder, artifact):
        _remove_damaged(folder)


def _takes_place(part: Path, folder: Path) -> bool:
    try:
        part.rename(folder)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _remove_damaged(folder: Path) -> None:
    """All at once: nobody is to see a half of it."""
    aside = _beside(folder)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(aside)
    _remove(aside)


def _remove_abandoned(folder: Path) -> None:
    for part in folder.parent.glob(f"{folder.name}.*{_PART}"):
        # Another process may remove it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                _remove(part)


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _beside(folder: Path) -> Path:
    return folder.with_suffix(f".{secrets.token_hex(16)}{_PART}")
