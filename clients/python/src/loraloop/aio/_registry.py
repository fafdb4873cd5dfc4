from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType

import grpc.aio

from loraloop._backoff import Backoff
from loraloop._registry.messages import from_message
from loraloop._registry.values import AdapterCommit, AdapterVersion
from loraloop._registry.watch import WatchCursor
from loraloop.aio._connection import Connection
from loraloop.errors import RpcError, UnavailableError, from_grpc
from loraloop.registry.v1 import adapter_service_pb2 as pb


class Registry:
    """What a server asks of `loraloop.Client.registry` while it serves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def resolve(self, name: str, *, engine: str = "") -> AdapterVersion:
        """As `loraloop.Client.registry.resolve`."""
        request = pb.ResolveAliasRequest(name=name, engine=engine)
        response = await self._connection.call(lambda opened: opened.adapters.ResolveAlias, request)
        return from_message(AdapterVersion, response.version)

    async def get_version(self, version: str) -> AdapterVersion:
        """A version, whatever its state."""
        request = pb.GetVersionRequest(version=version)
        response = await self._connection.call(lambda opened: opened.adapters.GetVersion, request)
        return from_message(AdapterVersion, response.version)

    def watch(self, *, after_revision: int | None = None, adapter: str = "") -> AdapterWatch:
        """As `loraloop.Client.registry.watch`."""
        return AdapterWatch(self._connection, WatchCursor(after_revision, adapter))


class AdapterWatch(AsyncIterator[AdapterCommit]):
    """As `loraloop.AdapterWatch`. A cancelled task leaves it where the last commit was given out."""

    def __init__(self, connection: Connection, cursor: WatchCursor) -> None:
        self._connection = connection
        self._cursor = cursor
        self._call: grpc.aio.UnaryStreamCall[pb.WatchAdaptersRequest, pb.WatchAdaptersResponse] | None = None
        self._backoff: Backoff | None = None
        self._closed = False

    async def __anext__(self) -> AdapterCommit:
        while not self._closed:
            commit = await self._receive()
            if commit is not None:
                return commit
        raise StopAsyncIteration

    def close(self) -> None:
        """Cancels the call. Idempotent."""
        self._closed = True
        self._drop_call()

    async def __aenter__(self) -> AdapterWatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _receive(self) -> AdapterCommit | None:
        """The next commit; None where the call broke off before."""
        try:
            while isinstance(response := await self._open().read(), pb.WatchAdaptersResponse):
                self._backoff = None
                commit = self._cursor.take(response)
                if commit is not None:
                    return commit
            error: RpcError = UnavailableError("the watch was cut off", code="UNAVAILABLE")
        except grpc.aio.AioRpcError as failure:
            error = from_grpc(failure)
        except asyncio.CancelledError:
            # Either close() was called, or the task ends: then what was on its way comes again.
            self._drop_call()
            if self._closed:
                return None
            raise
        self._drop_call()
        if not self._closed:
            self._backoff = self._backoff or Backoff(self._connection.patience)
            await asyncio.sleep(self._backoff.next_pause(error))
        return None

    def _open(self) -> grpc.aio.UnaryStreamCall[pb.WatchAdaptersRequest, pb.WatchAdaptersResponse]:
        if self._call is None:
            opened = self._connection.open()
            self._call = opened.adapters.WatchAdapters(self._cursor.next_request(), metadata=opened.metadata)
        return self._call

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
