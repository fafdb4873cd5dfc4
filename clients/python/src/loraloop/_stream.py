from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from loraloop._backoff import Backoff
from loraloop._batch import Sample, SampleBatch
from loraloop._connection import Connection
from loraloop._results import Statistics, from_statistics
from loraloop._state import StreamState, check_same_stream, to_resume_point, to_state
from loraloop._stream_call import StreamCall
from loraloop.errors import ClosedError, RpcError, UnavailableError
from loraloop.export.v1 import export_service_pb2 as pb

if TYPE_CHECKING:
    import datasets


Result = TypeVar("Result")


@dataclass(frozen=True)
class Position:
    """Where a sample stands in the stream, and the id of its record."""

    index: int
    id: str


class SampleStream:
    """Samples in the order of the snapshot, each once, whatever happens to the connection or the server.

    Iterable, iterator (`next(stream)`) and context manager. `batches()` and `lines()` walk the same stream in other
    forms. A connection that breaks is opened again and the stream goes on at the next sample, for as long as the
    client's `patience` lasts. Leaving a loop, `close()` and dropping the stream cancel the call. Not for several
    threads at once.
    """

    def __init__(
        self, connection: Connection, request: pb.StreamSamplesRequest, resume: Mapping[str, Any] | None = None
    ) -> None:
        self._call: StreamCall | None = None
        self._connection = connection
        self._request = request
        self._closed = False
        self._header: pb.Header | None = None
        self._footer: pb.Footer | None = None
        self._statistics: Statistics | None = None
        self._backoff: Backoff | None = None
        self._resume: pb.ResumePoint | None = None
        self._batch: SampleBatch | None = None
        self._pending: Iterator[Sample] = iter(())
        #: First index that was not given to the caller, and first that was not received.
        self._next_index = 0
        self._received_index = 0
        if resume is not None:
            self.load_state_dict(resume)

    def __iter__(self) -> Iterator[Sample]:
        """Leaving the loop cancels the call; another loop goes on after the last sample of this one."""
        try:
            while True:
                for sample in self._pending:
                    self._next_index += 1
                    yield sample
                if not self._decode_next():
                    return
        finally:
            self._drop_call()

    def __next__(self) -> Sample:
        while True:
            for sample in self._pending:
                self._next_index += 1
                return sample
            if not self._decode_next():
                raise StopIteration

    def batches(self) -> Iterator[SampleBatch]:
        """Whole frames, with ids, indices and raw lines. A frame counts as consumed when it is given out."""
        try:
            while (batch := self._next_batch()) is not None:
                self._next_index += len(batch)
                yield batch
        finally:
            self._drop_call()

    def lines(self) -> Iterator[bytes]:
        """The samples as JSON with a line feed each, byte for byte as `loraloop stream` prints them."""
        try:
            while (batch := self._next_batch()) is not None:
                for line in batch.lines():
                    self._next_index += 1
                    yield line
        finally:
            self._drop_call()

    @property
    def position(self) -> Position | None:
        """Of the sample that was given out last by this process; None before the first."""
        batch = self._batch
        if batch is None or self._next_index <= batch.indices.start:
            return None
        index = self._next_index - 1
        return Position(index, batch.ids[index - batch.indices.start])

    @property
    def header(self) -> pb.Header:
        """What the stream is: snapshot key, revision, as_of, format, schema. Opens the stream where it is not open."""
        if self._header is None:
            self._retry(self._open)
        assert self._header is not None
        return self._header

    @property
    def sample_count(self) -> int | None:
        """Samples of the whole snapshot; None while it is being built."""
        if self._footer is not None:
            return self._footer.next_index
        return self.header.sample_count if self.header.HasField("sample_count") else None

    @property
    def statistics(self) -> Statistics | None:
        """What became of the records: live while the snapshot is built, final once the stream has ended."""
        if self._call is not None and self._call.statistics is not None:
            return from_statistics(self._call.statistics)
        return self._statistics

    @property
    def snapshot_digest(self) -> str | None:
        """Digest of the snapshot (hex); None before the end of the stream."""
        return self._footer.snapshot_digest.hex() if self._footer is not None else None

    def state_dict(self) -> StreamState:
        """All that another process needs to go on after the samples that this one was given; small plain JSON.

        Opens the stream where it neither was opened nor has loaded a state.
        """
        if self._resume is None:
            self._resume = self.header.resume
        return to_state(self._resume, self._next_index)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the stream of `state` was. A ResumeError names both values where it does not fit."""
        point = to_resume_point(state)
        if self._header is not None:
            check_same_stream(self._header.resume, point)
        self._resume = point
        self._next_index = point.next_index
        self._footer = None
        self._rewind()

    def to_hf(self) -> datasets.IterableDataset:
        """A `datasets.IterableDataset` over the same samples, from where this stream is. Needs `loraloop[hf]`."""
        from loraloop.hf import to_hf

        return to_hf(self)

    def close(self) -> None:
        """Cancels the call. Idempotent."""
        self._closed = True
        self._pending = iter(())
        self._drop_call()

    def __enter__(self) -> SampleStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """A copy is a stream of its own that goes on from here."""
        copied = {"_call": None, "_backoff": None, "_batch": None, "_pending": iter(())}
        return {**self.__dict__, **copied, "_received_index": self._next_index}

    def _decode_next(self) -> bool:
        batch = self._next_batch()
        self._pending = iter(batch.samples() if batch is not None else ())
        return batch is not None

    def _next_batch(self) -> SampleBatch | None:
        """The next frame of this call or of one that goes on where it broke; None at the end."""
        if self._received_index != self._next_index:
            # The caller changed between samples, lines and batches in the middle of a frame.
            self._rewind()
        return None if self._footer is not None else self._retry(self._receive)

    def _receive(self) -> SampleBatch | None:
        call = self._open()
        message = call.next_batch()
        if message is None:
            self._finish(call)
            return None
        self._backoff = None
        self._batch = SampleBatch(message)
        self._received_index += len(self._batch)
        return self._batch

    def _finish(self, call: StreamCall) -> None:
        assert call.footer is not None
        if call.footer.reason != pb.Footer.REASON_END:
            raise UnavailableError("the server stops", code="UNAVAILABLE", reason="DRAINING")
        self._footer = call.footer
        self._statistics = from_statistics(call.footer.statistics)
        self._call = None

    def _open(self) -> StreamCall:
        if self._call is not None and self._call.process != os.getpid():
            self._drop_call()
        if self._call is None:
            if self._closed:
                raise ClosedError("the stream is closed")
            self._call = StreamCall(self._connection.open(), self._next_request())
            self._accept(self._call.header(self._received_index))
        return self._call

    def _next_request(self) -> pb.StreamSamplesRequest:
        request = pb.StreamSamplesRequest()
        request.CopyFrom(self._request)
        if self._resume is not None:
            request.resume.CopyFrom(self._resume)
            request.resume.next_index = self._received_index
        return request

    def _accept(self, header: pb.Header) -> None:
        if self._resume is not None:
            check_same_stream(self._resume, header.resume)
        self._header = header
        self._resume = header.resume

    def _retry(self, attempt: Callable[[], Result]) -> Result:
        while True:
            try:
                return attempt()
            except RpcError as error:
                if self._call is not None and self._call.progressed:
                    self._backoff = None
                self._drop_call()
                patience = self._connection.timeout if self._header is None else self._connection.patience
                self._backoff = self._backoff or Backoff(patience)
                self._backoff.wait(error)

    def _rewind(self) -> None:
        self._drop_call()
        self._batch = None
        self._pending = iter(())
        self._received_index = self._next_index

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
