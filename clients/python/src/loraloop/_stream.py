from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from loraloop._backoff import Backoff
from loraloop._batch import Sample, SampleBatch
from loraloop._block_cache import BlockCache
from loraloop._connection import Connection
from loraloop._cursor import Cursor
from loraloop._results import Statistics, from_statistics
from loraloop._state import StreamState
from loraloop._stream_call import StreamCall
from loraloop.errors import ClosedError, RpcError
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
    """Samples in the order of a plan or else the snapshot, each once, whatever happens to connection and server.

    Iterable, iterator (`next(stream)`) and context manager. `batches()` and `lines()` walk the same stream in other
    forms. A connection that breaks is opened again and the stream goes on at the next sample, for as long as the
    client's `patience` lasts. Leaving a loop, `close()` and dropping the stream cancel the call. Not for several
    threads at once.
    """

    def __init__(self, connection: Connection, cursor: Cursor, cache: BlockCache | None, with_ids: bool) -> None:
        self._call: StreamCall | None = None
        self._connection = connection
        self._cursor = cursor
        self._cache = cache
        self._with_ids = with_ids
        self._closed = False
        self._backoff: Backoff | None = None
        self._pending: Iterator[Sample] = iter(())

    def __iter__(self) -> Iterator[Sample]:
        """Leaving the loop cancels the call; another loop goes on after the last sample of this one."""
        try:
            while True:
                yield from self._pending
                if not self._decode_next():
                    return
        finally:
            self._drop_call()

    def __next__(self) -> Sample:
        while True:
            for sample in self._pending:
                return sample
            if not self._decode_next():
                raise StopIteration

    def batches(self) -> Iterator[SampleBatch]:
        """Whole frames, with ids, indices and raw lines. A frame counts as consumed when it is given out."""
        try:
            while (batch := self._next_batch()) is not None:
                self._cursor.give(())
                yield batch
        finally:
            self._drop_call()

    def lines(self) -> Iterator[bytes]:
        """The samples as JSON with a line feed each, byte for byte as `loraloop stream` prints them."""
        try:
            while (batch := self._next_batch()) is not None:
                yield from self._cursor.give(batch.lines())
        finally:
            self._drop_call()

    @property
    def position(self) -> Position | None:
        """Of the sample that was given out last by this process; None before the first."""
        batch, given = self._cursor.batch, self._cursor.given
        return Position(batch.indices[given - 1], batch.ids[given - 1]) if batch is not None and given else None

    @property
    def header(self) -> pb.Header:
        """What the stream is: plan, snapshot key, revision, as_of, format, schema. Opens the stream."""
        if self._cursor.header is None:
            self._retry(self._open)
        assert self._cursor.header is not None
        return self._cursor.header

    @property
    def sample_count(self) -> int | None:
        """Samples of the whole plan, without one of the snapshot; None while that is being built."""
        if self._cursor.footer is not None:
            return self._cursor.footer.next_index
        return self.header.sample_count if self.header.HasField("sample_count") else None

    @property
    def statistics(self) -> Statistics | None:
        """What became of the records: live while the snapshot is built, final once the stream has ended."""
        if self._call is not None and self._call.frames.statistics is not None:
            return from_statistics(self._call.frames.statistics)
        return self._cursor.statistics

    @property
    def snapshot_digest(self) -> str | None:
        """Digest of the snapshot (hex); None before the end of the stream."""
        return self._cursor.footer.snapshot_digest.hex() if self._cursor.footer is not None else None

    def state_dict(self) -> StreamState:
        """All that another process needs to go on after the samples that this one was given; small plain JSON.

        Opens the stream where it neither was opened nor has loaded a state. The stream of one of several ranks counts
        in global batches that it was given as a whole; one of several workers raises WorkerStateError.
        """
        if not self._cursor.can_go_on:
            self._retry(self._open)
        return self._cursor.state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the stream of `state` was. A ResumeError names both values where it does not fit."""
        self._cursor.load(state)
        self._pending = iter(())
        self._drop_call()

    def worker_state_dict(self) -> StreamState:
        """Where this one of several workers is, for the same worker of as many; opens the stream as `state_dict`."""
        if not self._cursor.can_go_on:
            self._retry(self._open)
        return self._cursor.worker_state()

    def load_worker_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where this one of several workers was. Asks the server for the plan."""
        self.load_state_dict({**state, "next_index": 0})
        self._cursor.load_worker_state(state, self.header)
        self._drop_call()

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
        cursor = copy.copy(self._cursor)
        cursor.rewind()
        return {**self.__dict__, "_call": None, "_backoff": None, "_pending": iter(()), "_cursor": cursor}

    def _decode_next(self) -> bool:
        batch = self._next_batch()
        self._pending = self._cursor.give(batch.samples(with_ids=self._with_ids) if batch is not None else [])
        return batch is not None

    def _next_batch(self) -> SampleBatch | None:
        """The next frame of this call or of one that goes on where it broke; None at the end."""
        if self._cursor.left:
            # The caller changed between samples, lines and batches in the middle of a frame.
            self._drop_call()
            self._cursor.rewind()
            self._pending = iter(())
        return None if self._cursor.footer is not None else self._retry(self._receive)

    def _receive(self) -> SampleBatch | None:
        call = self._open()
        batch = call.next_batch()
        if batch is not None:
            self._backoff = None
            return self._cursor.take(batch)
        self._cursor.finish(call.frames)
        self._call = None
        return None

    def _open(self) -> StreamCall:
        if self._call is not None and self._call.process != os.getpid():
            self._drop_call()
        if self._call is None:
            if self._closed:
                raise ClosedError("the stream is closed")
            request, share = self._cursor.next_call()
            block_seconds = max(self._connection.timeout, self._connection.patience)
            call = StreamCall(self._connection.open(), request, share, self._cache, block_seconds)
            call.header()
            self._cursor.accept(call.frames)
            self._call = call
        return self._call

    def _retry(self, attempt: Callable[[], Result]) -> Result:
        while True:
            try:
                return attempt()
            except RpcError as error:
                if self._call is not None and self._call.frames.progressed:
                    self._backoff = None
                self._drop_call()
                patience = self._connection.timeout if self._cursor.header is None else self._connection.patience
                self._backoff = self._backoff or Backoff(patience)
                self._backoff.wait(error)

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
