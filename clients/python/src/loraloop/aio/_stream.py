from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

import grpc
import grpc.aio

from loraloop._backoff import Backoff
from loraloop._batch import Sample, SampleBatch
from loraloop._cursor import Cursor
from loraloop._frames import Frames
from loraloop._results import Statistics
from loraloop._state import StreamState
from loraloop._stream import Position
from loraloop.aio._connection import Connection
from loraloop.errors import ClosedError, RpcError, UnavailableError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb

Result = TypeVar("Result")


class _Call:
    """One call of StreamSamples."""

    def __init__(self, call: grpc.aio.UnaryStreamCall[pb.StreamSamplesRequest, bytes], frames: Frames) -> None:
        self.frames = frames
        self._call = call

    async def receive(self) -> SampleBatch | None:
        """The next frame; what it holds where that is samples."""
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as failure:
            raise from_grpc(failure) from None
        if not isinstance(message, bytes):
            raise UnavailableError("the stream was cut off before its footer", code="UNAVAILABLE")
        content = self.frames.take(message)
        return content if isinstance(content, SampleBatch) else None

    def cancel(self) -> None:
        self._call.cancel()


class SampleStream:
    """As `loraloop.SampleStream`: `async for sample in stream`, `stream.batches()`.

    Leaving the loop leaves the call open for another one: `async with` or `close()` ends it.
    """

    def __init__(self, connection: Connection, cursor: Cursor, with_ids: bool) -> None:
        self._connection = connection
        self._cursor = cursor
        self._with_ids = with_ids
        self._call: _Call | None = None
        self._backoff: Backoff | None = None
        self._closed = False
        self._pending: Iterator[Sample] = iter(())

    def __aiter__(self) -> AsyncIterator[Sample]:
        return self

    async def __anext__(self) -> Sample:
        while True:
            for sample in self._pending:
                return sample
            batch = await self._next_batch()
            if batch is None:
                raise StopAsyncIteration
            self._pending = self._cursor.give(batch.samples(with_ids=self._with_ids))

    async def batches(self) -> AsyncIterator[SampleBatch]:
        """Whole frames, with ids, indices and raw lines. A frame counts as consumed when it is given out."""
        while (batch := await self._next_batch()) is not None:
            self._cursor.give(())
            yield batch

    async def open(self) -> pb.Header:
        """What the stream is; opens it where it is not open."""
        if self._cursor.header is None:
            await self._retry(self._open)
        assert self._cursor.header is not None
        return self._cursor.header

    @property
    def position(self) -> Position | None:
        """Of the sample that was given out last; None before the first."""
        batch, given = self._cursor.batch, self._cursor.given
        return Position(batch.indices[given - 1], batch.ids[given - 1]) if batch is not None and given else None

    @property
    def statistics(self) -> Statistics | None:
        """What became of the records, once the stream has ended."""
        return self._cursor.statistics

    async def state_dict(self) -> StreamState:
        """As `loraloop.SampleStream.state_dict`."""
        if not self._cursor.can_go_on:
            await self.open()
        return self._cursor.state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the stream of `state` was. A ResumeError names both values where it does not fit."""
        self._cursor.load(state)
        self._pending = iter(())
        self._drop_call()

    def close(self) -> None:
        """Cancels the call. Idempotent."""
        self._closed = True
        self._pending = iter(())
        self._drop_call()

    async def __aenter__(self) -> SampleStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _next_batch(self) -> SampleBatch | None:
        if self._cursor.left:
            # The caller changed from samples to batches in the middle of a frame.
            self._drop_call()
            self._cursor.rewind()
            self._pending = iter(())
        return None if self._cursor.footer is not None else await self._retry(self._receive)

    async def _receive(self) -> SampleBatch | None:
        call = await self._open()
        while call.frames.footer is None:
            batch = await call.receive()
            if batch is not None:
                self._backoff = None
                return self._cursor.take(batch)
        self._cursor.finish(call.frames)
        self._call = None
        return None

    async def _open(self) -> _Call:
        if self._call is not None:
            return self._call
        if self._closed:
            raise ClosedError("the stream is closed")
        opened = self._connection.open()
        request, share = self._cursor.next_call()
        self._call = _Call(
            opened.stream_samples(request, metadata=opened.metadata), Frames(share, request.resume.next_index)
        )
        await self._call.receive()
        self._cursor.accept(self._call.frames)
        return self._call

    async def _retry(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        while True:
            try:
                return await attempt()
            except RpcError as error:
                if self._call is not None and self._call.frames.progressed:
                    self._backoff = None
                self._drop_call()
                patience = self._connection.timeout if self._cursor.header is None else self._connection.patience
                self._backoff = self._backoff or Backoff(patience)
                pause = self._backoff.next_pause(error)
            except BaseException:
                # Cancelled: what was on its way is lost, and asked for again.
                self._drop_call()
                raise
            await asyncio.sleep(pause)

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
