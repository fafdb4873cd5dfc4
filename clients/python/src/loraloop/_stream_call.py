from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc

from loraloop._batch import SampleBatch
from loraloop._block_cache import BlockCache
from loraloop._blocks import Blocks, OpenCalls
from loraloop._connection import Opened
from loraloop._frames import Content, Frames
from loraloop._pieces import batches
from loraloop._plan import Share
from loraloop.errors import UnavailableError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb

_calls_of_parent: list[object] = []


class StreamCall:
    """One call of StreamSamples. With a cache, frames are read ahead so that the blocks they name come in time."""

    def __init__(
        self,
        opened: Opened,
        request: pb.StreamSamplesRequest,
        share: Share,
        cache: BlockCache | None,
        block_seconds: float,
    ) -> None:
        self.process = os.getpid()
        self.frames = Frames(share, request.resume.next_index)
        self._opened = opened
        self._cache = cache
        self._block_seconds = block_seconds
        self._blocks: Blocks | None = None
        self._block_calls = OpenCalls()
        self._batches: Iterator[SampleBatch] = iter(())
        self._executor = ThreadPoolExecutor(1, "loraloop-blocks") if cache is not None else None
        self._ahead: deque[tuple[Content, int]] = deque()
        self._ahead_bytes = 0
        self._call = opened.stream_samples(request, metadata=opened.metadata)
        # Also where the call is dropped, and before the interpreter takes grpcio apart.
        self.cancel = weakref.finalize(self, _cancel, self._call, self._block_calls, self._executor, self.process)

    def header(self) -> pb.Header:
        """Waits for the first frame."""
        self._receive()
        assert self.frames.header is not None
        if self._cache is not None and self._executor is not None:
            snapshots = _snapshots(self.frames.header)
            self._blocks = Blocks(
                self._opened, self._cache, self._executor, self._block_calls, snapshots, self._block_seconds
            )
        return self.frames.header

    def next_batch(self) -> SampleBatch | None:
        """Waits for samples; None after the last, when the footer has come."""
        return next(self._batches, None) or self._next_frame()

    def _next_frame(self) -> SampleBatch | None:
        while not self._ahead and self.frames.footer is None:
            self._receive()
        if self._blocks is not None:
            self._read_ahead(self._blocks)
        if not self._ahead:
            return None
        content, next_index = self._ahead.popleft()
        if isinstance(content, SampleBatch):
            return content
        assert self._blocks is not None
        self._ahead_bytes -= sum(content.lengths)
        self._batches = batches(content, self._blocks.pieces(content), next_index)
        return self.next_batch()

    def _read_ahead(self, blocks: Blocks) -> None:
        """By two frames for each that is given out: so the first one does not wait."""
        for _ in range(2):
            if self.frames.footer is None and blocks.wants_more(self._ahead_bytes):
                self._receive()

    def _receive(self) -> None:
        try:
            message = next(self._call, None)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        if message is None:
            raise UnavailableError("the stream was cut off before its footer", code="UNAVAILABLE")
        content = self.frames.take(message)
        if content is None:
            return
        self._ahead.append((content, self.frames.next_index))
        if self._blocks is not None and isinstance(content, pb.ReferenceBatch):
            self._ahead_bytes += sum(content.lengths)
            self._blocks.prefetch(content)


def _snapshots(header: pb.Header) -> list[str]:
    return [source.snapshot for source in header.plan.sources] or [header.snapshot]


def _cancel(call: grpc.Call, block_calls: OpenCalls, executor: ThreadPoolExecutor | None, process: int) -> None:
    """A forked child keeps its parent's call: to end it would touch the parent's connection."""
    if process == os.getpid():
        call.cancel()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
        block_calls.cancel()
    else:
        _calls_of_parent.append((call, block_calls, executor))
