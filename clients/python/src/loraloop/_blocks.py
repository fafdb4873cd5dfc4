from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import grpc

from loraloop._block_cache import Block, BlockCache
from loraloop._connection import Opened
from loraloop._frames import damaged
from loraloop.errors import NotFoundError, RpcError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb

# What most blocks have, for the bound of what is fetched ahead.
_BLOCK_BYTES = 8 * 1024 * 1024


class Blocks:
    """The lines that references name, from a cache that is filled from the server."""

    def __init__(
        self, opened: Opened, cache: BlockCache, executor: ThreadPoolExecutor, snapshots: Sequence[str]
    ) -> None:
        self._opened = opened
        self._cache = cache
        self._snapshots = list(snapshots)
        self._executor = executor
        self._wanted: deque[bytes] = deque()
        self._coming: dict[bytes, Future[Block]] = {}

    def wants_more(self, bytes_ahead: int) -> bool:
        """Whether more may be read before the reader has caught up."""
        return bytes_ahead < self._cache.prefetch_bytes and not self._wanted

    def prefetch(self, references: pb.ReferenceBatch) -> None:
        """Fetches what is not there yet, in the background and in the order in which it is needed."""
        self._wanted += (digest for digest in references.block_digests if digest not in self._cache)
        self._fetch_ahead()

    def lines(self, references: pb.ReferenceBatch) -> bytes:
        """The lines, in order. Holds one block at a time, so that any cache is large enough."""
        offsets, lengths = references.offsets, references.lengths
        parts: list[Block] = [b""] * len(references.blocks)
        for digest, places in zip(references.block_digests, _places(references), strict=True):
            block = self._block(digest)
            for place in places:
                parts[place] = block[offsets[place] : offsets[place] + lengths[place]]
        lines = b"".join(parts)
        if len(lines) != sum(references.lengths):
            raise damaged("references lie outside of their blocks")
        return lines

    def _fetch_ahead(self) -> None:
        """Blocks that came wait for the reader in memory, where the cache has no room for them."""
        while self._wanted and (len(self._coming) + 1) * _BLOCK_BYTES <= self._cache.prefetch_bytes:
            digest = self._wanted.popleft()
            if digest not in self._coming:
                self._coming[digest] = self._executor.submit(self._read, digest)

    def _block(self, digest: bytes) -> Block:
        coming = self._coming.pop(digest, None)
        if coming is None and digest in self._wanted:
            self._wanted.remove(digest)
        self._fetch_ahead()
        if coming is not None:
            # What went wrong ahead is said again below, if it still does.
            with contextlib.suppress(RpcError):
                return coming.result()
        return self._read(digest)

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
        try:
            pieces = list(self._opened.export.ReadBlocks(request, metadata=self._opened.metadata))
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        return b"".join(piece.bytes for piece in pieces)


def _places(references: pb.ReferenceBatch) -> Sequence[Sequence[int]]:
    """For each block, the places in the batch whose samples lie in it."""
    places: list[list[int]] = [[] for _ in references.block_digests]
    for place, block in enumerate(references.blocks):
        places[block].append(place)
    return places
