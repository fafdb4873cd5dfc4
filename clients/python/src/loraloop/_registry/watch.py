from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import grpc

from loraloop._backoff import Backoff
from loraloop._registry.messages import from_message
from loraloop._registry.values import Adapter, AdapterChange, AdapterCommit, AdapterVersion, AliasMove
from loraloop.errors import RpcError, UnavailableError, from_grpc
from loraloop.registry.v1 import adapter_service_pb2 as pb

if TYPE_CHECKING:
    from loraloop._connection import Connection


class WatchCursor:
    """Where a watch is. Commits are given out whole: what a call that breaks off began comes again, nothing else."""

    def __init__(self, after_revision: int | None, adapter: str) -> None:
        self._after = after_revision
        self._adapter = adapter
        self._changes: list[AdapterChange] = []

    def next_request(self) -> pb.WatchAdaptersRequest:
        """Of the next call, which goes on after the last commit that was given out."""
        self._changes = []
        return pb.WatchAdaptersRequest(after_revision=self._after, adapter=self._adapter)

    def take(self, response: pb.WatchAdaptersResponse) -> AdapterCommit | None:
        """The commit that is whole by what came now. A call begins by saying where it is: that is news only once."""
        if response.WhichOneof("change") != "checkpoint":
            self._changes.append(_from_change(response))
            return None
        if not self._changes and response.revision == self._after:
            return None
        commit = AdapterCommit(response.revision, tuple(self._changes))
        self._after, self._changes = response.revision, []
        return commit


class AdapterWatch(Iterator[AdapterCommit]):
    """Commits in order, none twice and none left out, whatever happens to the connection: `client.registry.watch(…)`.

    Goes on after a lost connection or a stopped server for the client's `patience`. Closing it, from any thread, ends
    the iteration.
    """

    def __init__(self, connection: Connection, cursor: WatchCursor) -> None:
        self._connection = connection
        self._cursor = cursor
        self._call: grpc._CallIterator[pb.WatchAdaptersResponse] | None = None
        self._backoff: Backoff | None = None
        self._closed = False

    def __next__(self) -> AdapterCommit:
        while not self._closed:
            commit = self._receive()
            if commit is not None:
                return commit
        raise StopIteration

    def close(self) -> None:
        """Cancels the call. Idempotent."""
        self._closed = True
        self._drop_call()

    def __enter__(self) -> AdapterWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self) -> AdapterCommit | None:
        """The next commit; None where the call broke off before."""
        try:
            for response in self._open():
                self._backoff = None
                commit = self._cursor.take(response)
                if commit is not None:
                    return commit
            error: RpcError = UnavailableError("the watch was cut off", code="UNAVAILABLE")
        except grpc.RpcError as failure:
            error = from_grpc(failure)
        self._drop_call()
        if not self._closed:
            self._backoff = self._backoff or Backoff(self._connection.patience)
            self._backoff.wait(error)
        return None

    def _open(self) -> grpc._CallIterator[pb.WatchAdaptersResponse]:
        if self._call is None:
            opened = self._connection.open()
            self._call = opened.adapters.WatchAdapters(self._cursor.next_request(), metadata=opened.metadata)
        return self._call

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.cancel()


def _from_change(response: pb.WatchAdaptersResponse) -> AdapterChange:
    if response.HasField("adapter"):
        return from_message(Adapter, response.adapter)
    if response.HasField("version"):
        return from_message(AdapterVersion, response.version)
    return from_message(AliasMove, response.alias_move)
