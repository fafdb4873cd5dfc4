from __future__ import annotations

import contextlib
import mmap
import weakref
from collections import OrderedDict
from typing import BinaryIO, TypeAlias

#: Slices of it are bytes.
Block: TypeAlias = "bytes | mmap.mmap"

# Windows of 64 MB refer to some dozens of blocks at once.
_MOST = 256


class BlockMaps:
    """Maps of the blocks that were read last, from which lines are cut without reading the files again.

    Each holds a descriptor for as long as anybody uses it: there are never more than 256, nor more than an eighth of
    what the process may have. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, mmap.mmap] = OrderedDict()
        self._open: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()

    def digests(self) -> list[bytes]:
        """Of the blocks whose maps are kept."""
        return list(self._kept)

    def open(self, file: BinaryIO) -> mmap.mmap | None:
        """A map that is not kept yet. None where the process may have no more, or the file is empty."""
        most = _most()
        while self._kept and len(self._open) >= most:
            self._kept.popitem(last=False)
        if len(self._open) >= most:
            return None
        with contextlib.suppress(OSError, ValueError):
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._open.add(content)
            return content
        return None

    def keep(self, digest: bytes, content: mmap.mmap) -> None:
        self._kept[digest] = content
        self._kept.move_to_end(digest)

    def get(self, digest: bytes) -> mmap.mmap | None:
        content = self._kept.get(digest)
        if content is not None:
            self._kept.move_to_end(digest)
        return content

    def drop(self, digest: bytes) -> None:
        self._kept.pop(digest, None)

    def clear(self) -> None:
        self._kept.clear()


def _most() -> int:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if limit == resource.RLIM_INFINITY else min(_MOST, limit // 8)
