from __future__ import annotations

import hashlib
import os
import weakref

import grpc

from loraloop._connection import Opened
from loraloop.errors import ContentDamagedError, UnavailableError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb
from loraloop.export.v1 import snapshot_pb2

_calls_of_parent: list[grpc.Call] = []


class StreamCall:
    """One call of StreamSamples: checks that nothing is missing, repeated or changed between header and footer."""

    def __init__(self, opened: Opened, request: pb.StreamSamplesRequest) -> None:
        self.process = os.getpid()
        self._call = opened.export.StreamSamples(request, metadata=opened.metadata)
        # Also where the call is dropped, and before the interpreter takes grpcio apart.
        self.cancel = weakref.finalize(self, _cancel, self._call, self.process)
        self._digest = hashlib.sha256()
        self._first_index = 0
        self._next_index = 0
        #: Set once the stream has ended.
        self.footer: pb.Footer | None = None
        #: Of the build so far.
        self.statistics: snapshot_pb2.Statistics | None = None
        #: True once more than the header has come.
        self.progressed = False

    def header(self, first_index: int) -> pb.Header:
        """Waits for the first frame, which must begin at that index."""
        frame = self._receive()
        if frame.WhichOneof("frame") != "header":
            raise _damaged("the stream does not begin with a header")
        if frame.header.resume.next_index != first_index:
            raise _damaged(f"the stream begins at {frame.header.resume.next_index} where {first_index} was due")
        self._first_index = self._next_index = first_index
        return frame.header

    def next_batch(self) -> pb.Batch | None:
        """Waits for samples; None after the last, when the footer has come."""
        while True:
            frame = self._receive()
            kind = frame.WhichOneof("frame")
            self.progressed = self.progressed or kind in ("batch", "checkpoint")
            if kind == "batch":
                self._check_batch(frame.batch)
                return frame.batch
            if kind == "footer":
                self._check_footer(frame.footer)
                return None
            if kind == "checkpoint":
                self.statistics = frame.checkpoint.statistics

    def _receive(self) -> pb.StreamSamplesResponse:
        try:
            frame = next(self._call, None)
        except grpc.RpcError as failure:
            raise from_grpc(failure) from None
        if frame is None:
            raise UnavailableError("the stream was cut off before its footer", code="UNAVAILABLE")
        return frame

    def _check_batch(self, batch: pb.Batch) -> None:
        start = self._next_index
        for run in batch.index_runs:
            if run.first != self._next_index:
                raise _damaged(f"index {run.first} came where {self._next_index} was due")
            self._next_index += run.count
        count = self._next_index - start
        if len(batch.ids) != count or len(batch.weights_micros) not in (0, count):
            raise _damaged(
                f"a batch of {count} samples has {len(batch.ids)} ids and {len(batch.weights_micros)} weights"
            )
        self._update_digest(batch)

    def _update_digest(self, batch: pb.Batch) -> None:
        lines = memoryview(batch.lines)
        end = 0
        for size in batch.segment_bytes:
            self._digest.update(hashlib.sha256(lines[end : end + size]).digest())
            end += size
        if end != len(lines):
            raise _damaged(f"the segments of a batch cover {end} of {len(lines)} bytes")

    def _check_footer(self, footer: pb.Footer) -> None:
        received = self._next_index - self._first_index
        if (footer.sample_count, footer.next_index) != (received, self._next_index):
            raise _damaged(f"{footer.sample_count} samples were sent, {received} came")
        if footer.lines_digest != self._digest.digest():
            raise _damaged("the samples that came do not have the digest of those that were sent")
        self.footer = footer


def _cancel(call: grpc.Call, process: int) -> None:
    """A forked child keeps its parent's call: to end it would touch the parent's connection."""
    if process == os.getpid():
        call.cancel()
    else:
        _calls_of_parent.append(call)


def _damaged(problem: str) -> ContentDamagedError:
    return ContentDamagedError(problem, code="DATA_LOSS")
