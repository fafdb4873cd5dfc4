from __future__ import annotations

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
# A part that is so old is of a process that was killed.
_ABANDONED_SECONDS = 3_600.0


def default_cache() -> Path:
    """`loraloop/adapters` among the user's caches, as in the other client languages."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "loraloop" / "adapters"


class FolderCache:
    """Folders of files named by their artifact's digest, shared by processes of one user.

    A folder gets its name once it is whole and right, and is compared again whenever it is asked for. Of several
    processes that ask, one fetches and the others wait. It may be deleted while nobody reads it.
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
                shutil.rmtree(folder, ignore_errors=True)
                _remove_abandoned(folder)
                _make(folder, artifact, fetch)
        return folder


def _difference(folder: Path, artifact: Artifact) -> str:
    """What is wrong with a folder; empty where nothing is."""
    try:
        differences = compare_files(artifact.files, files_in(folder))
    except (FileError, OSError) as error:
        return str(error)
    return f"{differences[0].path} is {differences[0].problem}" if differences else ""


def _make(folder: Path, artifact: Artifact, fetch: Callable[[Path], None]) -> None:
    part = folder.with_suffix(f".{secrets.token_hex(4)}{_PART}")
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
    """Where there are no locks, another process may have been quicker."""
    try:
        part.rename(folder)
    except OSError:
        if _difference(folder, artifact):
            raise


def _remove_abandoned(folder: Path) -> None:
    for part in folder.parent.glob(f"{folder.name}.*{_PART}"):
        if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(part, ignore_errors=True)
