from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from loraloop._locks import ProcessLock, file_lock

_PART = ".part"
_LOCK = ".lock"
# A part that nobody has written to for so long is of a process that was killed.
_ABANDONED_SECONDS = 3_600.0
# How exact "used last" is.
_TOUCH_SECONDS = 10.0


class Entry(NamedTuple):
    """One block's file."""

    path: str
    size: int
    used_ns: int


class _Verified(NamedTuple):
    """A file whose bytes had the digest, as it was then."""

    identity: tuple[int, int, int]
    content: mmap.mmap
    touched: float


class BlockFolder:
    """Files named by the SHA-256 digest of their bytes, shared by processes of one user.

    A file gets its name once it is whole. Whoever reads compares the digest, once a process and again when the file is
    not the one that was read before. Locks end with the process that holds them.
    """

    def __init__(self, path: Path, fits: Callable[[int, int], bool]) -> None:
        self._path = path
        self._folder = str(path)
        self._fits = fits
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = ProcessLock()

    def has(self, digest: bytes) -> bool:
        return os.path.exists(self._file(digest))

    def read(self, digest: bytes, fetch: Callable[[], bytes]) -> bytes | mmap.mmap:
        """The block of a digest. Where it is not there, one process fetches it and the others wait for that."""
        content = self._open(digest)
        if content is not None:
            return content
        with self._locked(digest):
            content = self._open(digest)
            if content is not None:
                return content
            block = fetch()
            if self._fits(1, len(block)):
                self._write(digest, block)
        return self._open(digest) or block

    def entries(self) -> list[Entry]:
        """The blocks that are there now."""
        return [
            Entry(file.path, status.st_size, status.st_atime_ns)
            for file, status in self._files()
            if not file.name.endswith(_PART)
        ]

    def clear(self) -> None:
        with self._lock:
            self._verified.clear()
        for file, _ in self._files():
            _remove(file.path)

    def _open(self, digest: bytes) -> mmap.mmap | None:
        """The bytes where they are there and sound; what is not sound is removed."""
        path = self._file(digest)
        try:
            status = os.stat(path)
        except OSError:
            with self._lock:
                self._verified.pop(digest, None)
            return None
        with self._lock:
            known = self._verified.get(digest)
            if known is not None and known.identity == _identity(status):
                self._touch(digest, known, path, status)
                return known.content
        return self._verify(digest, path)

    def _verify(self, digest: bytes, path: str) -> mmap.mmap | None:
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            # Gone in between, or empty.
            _remove(path)
            return None
        if hashlib.sha256(content).digest() != digest:
            _remove(path)
            return None
        with self._lock:
            self._touch(digest, _Verified(_identity(status), content, -_TOUCH_SECONDS), path, status)
            self._drop_removed()
            self._drop_least_used()
        return content

    def _drop_removed(self) -> None:
        """A file that another process has removed takes its room until nobody has it open."""
        for digest in [digest for digest in self._verified if not self.has(digest)]:
            del self._verified[digest]

    def _drop_least_used(self) -> None:
        while not self._fits(len(self._verified), sum(len(entry.content) for entry in self._verified.values())):
            self._verified.popitem(last=False)

    def _touch(self, digest: bytes, verified: _Verified, path: str, status: os.stat_result) -> None:
        """Notes the use, for this process and for all. Many file systems do not note reads by themselves."""
        now = time.monotonic()
        if now - verified.touched < _TOUCH_SECONDS:
            return
        self._verified[digest] = verified._replace(touched=now)
        self._verified.move_to_end(digest)
        with contextlib.suppress(OSError):
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))

    def _write(self, digest: bytes, block: bytes) -> None:
        """Where the disk is full or may not be written, the block is not kept."""
        path = self._file(digest)
        part = f"{path}.{secrets.token_hex(4)}{_PART}"
        try:
            for folder in (self._folder, os.path.dirname(path)):
                os.makedirs(folder, 0o700, exist_ok=True)
            with open(part, "xb", opener=_for_the_user_alone) as file:
                file.write(block)
            self._make_room(len(block))
            os.replace(part, path)
        except OSError:
            _remove(part)

    def _make_room(self, size: int) -> None:
        self._remove_abandoned()
        entries = sorted(self.entries(), key=lambda entry: entry.used_ns)
        items, total = len(entries) + 1, sum(entry.size for entry in entries) + size
        for entry in entries:
            if self._fits(items, total):
                return
            _remove(entry.path)
            items, total = items - 1, total - entry.size

    def _remove_abandoned(self) -> None:
        for file, status in self._files():
            if file.name.endswith(_PART) and time.time() - status.st_mtime > _ABANDONED_SECONDS:
                _remove(file.path)

    def _files(self) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
        for folder in _scan(self._path):
            if not folder.name.endswith(_LOCK):
                for file in _scan(folder.path):
                    with contextlib.suppress(OSError):
                        yield file, file.stat()

    @contextlib.contextmanager
    def _locked(self, digest: bytes) -> Iterator[None]:
        """One lock for a 256th of all blocks. Without locks two may fetch the same."""
        with contextlib.suppress(OSError):
            self._path.mkdir(0o700, parents=True, exist_ok=True)
        with file_lock(self._path / f"{digest.hex()[:2]}{_LOCK}"):
            yield

    def _file(self, digest: bytes) -> str:
        """As in the other client languages, which may share the folder. No Path: there are many calls."""
        name = digest.hex()
        return f"{self._folder}/{name[:2]}/{name}"


def _scan(path: str | Path) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return list(entries)
    return []


def _for_the_user_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
