from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import grpc

from loraloop._block_cache import BlockCache
from loraloop._block_maps import Block
from loraloop._connection import Opened
from loraloop._frames import damaged
from loraloop._pieces import FrameLines
from loraloop.errors import NotFoundError, RpcError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb

# What most blocks have: for the bound of what is fetched ahead, as long as no larger one came.
_BLOCK_BYTES = 8 * 1024 * 1024


class OpenCalls:
    """Calls of several threads, to be ended together."""

    def __init__(self) -> None:
        self._calls: set[grpc.Call] = set()
        self._ended = False

    @contextlib.contextmanager
    def holding(self, call: grpc.Call) -> Iterator[None]:
        self._calls.add(call)
        if self._ended:
            call.cancel()
        try:
            yield
        finally:
            self._calls.discard(call)

    def cancel(self) -> None:
        """Also those that are still to begin. Needs no lock, so that it may be called at any time."""
        self._ended = True
        for call in list(self._calls):
            call.cancel()


class Blocks:
    """The lines that references name, from a cache that is filled from the server.

    Blocks are fetched ahead while those that are under way or wait for the reader have no more than `prefetch_bytes`,
    one that is under way taken for as large as the largest that came. None may take longer than `block_seconds`.
    """

    def __init__(
        self,
        opened: Opened,
        cache: BlockCache,
        executor: ThreadPoolExecutor,
        calls: OpenCalls,
        snapshots: Sequence[str],
        block_seconds: float,
    ) -> None:
        self._opened = opened
        self._cache = cache
        self._executor = executor
        self._calls = calls
        self._snapshots = list(snapshots)
        self._block_seconds = block_seconds
        self._block_bytes = _BLOCK_BYTES
        self._wanted: deque[bytes] = deque()
        self._coming: dict[bytes, Future[Block | None]] = {}

    @property
    def waiting_bytes(self) -> int:
        """Of the blocks that came and were not used yet."""
        return sum(map(_size, list(self._coming.values())))

    def wants_more(self, bytes_ahead: int) -> bool:
        """Whether more may be read before the reader has caught up."""
        return bytes_ahead < self._cache.prefetch_bytes and not self._wanted

    def prefetch(self, references: pb.ReferenceBatch) -> None:
        """Fetches what is not there yet, in the background and in the order in which it is needed."""
        self._wanted += (digest for digest in references.block_digests if digest not in self._cache)
        self._fetch_ahead()

    def pieces(self, references: pb.ReferenceBatch) -> Iterator[tuple[int, bytes]]:
        """The lines in order, with their number: before a block has to be waited for, those whose blocks came.

        Each block is read once, one at a time, so that any cache is large enough.
        """
        lines = FrameLines(references)
        for place, digest in enumerate(references.block_digests):
            if not self._is_there(digest):
                yield from lines.pieces()
            lines.take(place, self._block(digest))
        yield from lines.pieces()

    def _fetch_ahead(self) -> None:
        """Blocks that came wait for the reader in memory, where the cache has no room for them."""
        while self._wanted and self._has_room(sum(not coming.done() for coming in self._coming.values())):
            digest = self._wanted.popleft()
            if digest not in self._coming:
                self._coming[digest] = self._executor.submit(self._read_ahead, digest)

    def _read_ahead(self, digest: bytes) -> Block | None:
        """None where larger blocks than were expected have taken the room: the reader fetches it in its turn."""
        return self._read(digest) if self._has_room(0) else None

    def _has_room(self, under_way: int) -> bool:
        return self.waiting_bytes + (under_way + 1) * self._block_bytes <= self._cache.prefetch_bytes

    def _is_there(self, digest: bytes) -> bool:
        coming = self._coming.get(digest)
        return _size(coming) > 0 if coming is not None else digest in self._cache

    def _block(self, digest: bytes) -> Block:
        block = None
        if digest in self._coming:
            # What went wrong ahead is said again below, if it still does.
            with contextlib.suppress(RpcError):
                block = self._coming[digest].result()
            del self._coming[digest]
        elif digest in self._wanted:
            self._wanted.remove(digest)
        self._fetch_ahead()
        return self._read(digest) if block is None else block

    def _read(self, digest: bytes) -> Block:
        return self._cache.read(digest, lambda: self._fetch(digest))

    def _fetch(self, digest: bytes) -> bytes:
        """Of several sources, the digest does not say whose block it is: the one that had the last is asked first."""
        for place, snapshot in enumerate(self._snapshots):
            try:
                block = self._fetch_from(snapshot, digest)
            except NotFoundError:
                if place == len(self._snapshots) - 1:
                    raise
                continue
            self._snapshots.insert(0, self._snapshots.pop(place))
            return block
        raise damaged("a plan without snapshots has no blocks")

    def _fetch_from(self, snapshot: str, digest: bytes) -> bytes:
        request = pb.ReadBlocksRequest(snapshot=snapshot, digests=[digest])
        # Others may wait for this block: it must not take for ever.
        call = self._opened.export.ReadBlocks(request, timeout=self._block_seconds, metadata=self._opened.metadata)
        try:
            with self._calls.holding(call):
                block = b"".join(piece.bytes for piece in call)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        self._block_bytes = max(self._block_bytes, len(block))
        return block


def _size(coming: Future[Block | None]) -> int:
    return len(coming.result() or b"") if coming.done() and coming.exception() is None else 0
