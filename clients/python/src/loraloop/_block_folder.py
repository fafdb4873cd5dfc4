from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from loraloop._block_files import LOCK, PART, files, remove
from loraloop._block_maps import Block, BlockMaps
from loraloop._block_room import BlockRoom, Limits
from loraloop._locks import ProcessLock, file_lock

# How exact "used last" is.
_TOUCH_SECONDS = 10.0


class _Verified(NamedTuple):
    """A file whose bytes had the digest, as it was then, and when its use was noted last."""

    identity: tuple[int, int, int]
    touched: float


class BlockFolder:
    """Files named by the SHA-256 digest of their bytes, shared by processes of one user.

    A file gets its name once it is whole. Whoever reads compares the digest, once a process and again when the file is
    not the one that was read before. Only a file with other bytes is removed for it: one that this process cannot read,
    as where it may open no more files, is fetched and stays for the others. Locks end with the process that holds them.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._folder = str(path)
        self._limits = limits
        self._room = BlockRoom(path, limits)
        self._verified: dict[bytes, _Verified] = {}
        self._maps = BlockMaps()
        self._lock = ProcessLock()

    def has(self, digest: bytes) -> bool:
        return os.path.exists(self._file(digest))

    def read(self, digest: bytes, fetch: Callable[[], bytes]) -> Block:
        """The block of a digest. Where it is not there, one process fetches it and the others wait for that."""
        content = self._open(digest)
        if content is not None:
            return content
        with self._locked(digest):
            content = self._open(digest)
            if content is not None:
                return content
            block = fetch()
            if self._limits.hold(1, len(block)):
                self._write(digest, block)
        return self._open(digest) or block

    def __len__(self) -> int:
        """Blocks that are there now."""
        return sum(not file.name.endswith(PART) for file, _ in files(self._path))

    def clear(self) -> None:
        with self._lock:
            self._verified.clear()
            self._maps.clear()
        for file, _ in files(self._path):
            remove(file.path)

    def _open(self, digest: bytes) -> Block | None:
        """The bytes where they are there and sound."""
        path = self._file(digest)
        try:
            status = os.stat(path)
        except OSError:
            self._forget(digest)
            return None
        with self._lock:
            if self._is_verified(digest, status):
                content = self._maps.get(digest)
                if content is not None:
                    self._touch(digest, path, status)
                    return content
        return self._verify(digest, path)

    def _verify(self, digest: bytes, path: str) -> Block | None:
        """None where it cannot be read; what has other bytes is removed."""
        try:
            with open(path, "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                with self._lock:
                    content: Block | None = self._maps.open(file)
                content = file.read() if content is None else content
        except OSError:
            return None
        if not self._is_verified(digest, status) and hashlib.sha256(content).digest() != digest:
            remove(path)
            return None
        self._keep(digest, content, path, status)
        return content

    def _is_verified(self, digest: bytes, status: os.stat_result) -> bool:
        known = self._verified.get(digest)
        return known is not None and known.identity == _identity(status)

    def _keep(self, digest: bytes, content: Block, path: str, status: os.stat_result) -> None:
        with self._lock:
            if not self._is_verified(digest, status):
                self._maps.drop(digest)
                self._drop_removed()
                self._verified[digest] = _Verified(_identity(status), -_TOUCH_SECONDS)
            if isinstance(content, mmap.mmap):
                self._maps.keep(digest, content)
            self._touch(digest, path, status)

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._verified.pop(digest, None)
            self._maps.drop(digest)

    def _drop_removed(self) -> None:
        """A file that another process has removed takes its room until nobody has it open."""
        for digest in self._maps.digests():
            if not self.has(digest):
                self._maps.drop(digest)

    def _touch(self, digest: bytes, path: str, status: os.stat_result) -> None:
        """Notes the use, for all. Many file systems do not note reads by themselves."""
        now, verified = time.monotonic(), self._verified[digest]
        if now - verified.touched < _TOUCH_SECONDS:
            return
        self._verified[digest] = verified._replace(touched=now)
        with contextlib.suppress(OSError):
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))

    def _write(self, digest: bytes, block: bytes) -> None:
        """Where the disk is full or may not be written, the block is not kept."""
        path = self._file(digest)
        part = f"{path}.{secrets.token_hex(4)}{PART}"
        try:
            for folder in (self._folder, os.path.dirname(path)):
                os.makedirs(folder, 0o700, exist_ok=True)
            with open(part, "xb", opener=_for_the_user_alone) as file:
                file.write(block)
            self._room.make(len(block))
            os.replace(part, path)
        except OSError:
            remove(part)

    @contextlib.contextmanager
    def _locked(self, digest: bytes) -> Iterator[None]:
        """One lock for a 256th of all blocks. Without locks two may fetch the same."""
        with contextlib.suppress(OSError):
            self._path.mkdir(0o700, parents=True, exist_ok=True)
        with file_lock(self._path / f"{digest.hex()[:2]}{LOCK}"):
            yield

    def _file(self, digest: bytes) -> str:
        """As in the other client languages, which may share the folder. No Path: there are many calls."""
        name = digest.hex()
        return f"{self._folder}/{name[:2]}/{name}"


def _for_the_user_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
