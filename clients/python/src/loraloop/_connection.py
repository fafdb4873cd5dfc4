from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc

from loraloop._backoff import Backoff
from loraloop._endpoint import Tls, find_endpoint, open_channel
from loraloop.corpus.v1.corpus_service_pb2_grpc import CorpusServiceStub
from loraloop.errors import ClosedError, from_grpc
from loraloop.export.v1.export_service_pb2_grpc import ExportServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True)
class Opened:
    """A channel, its services, and what every call on it carries."""

    channel: grpc.Channel
    corpus: CorpusServiceStub
    export: ExportServiceStub
    metadata: tuple[tuple[str, str], ...]


class Connection:
    """Opens the channel when it is first used, once a process: grpcio's channels survive neither fork nor pickling."""

    def __init__(self, address: str | None, token: str | None, tls: Tls, timeout: float, patience: float) -> None:
        self._address = address
        self._token = token
        self._tls = tls
        self.timeout = timeout
        self.patience = patience
        self._closed = False
        # A forked child keeps its parent's channel here: to destroy it would touch the parent's connection.
        self._opened: dict[int, Opened] = {}

    def open(self) -> Opened:
        """The channel of this process."""
        if self._closed:
            raise ClosedError("the client is closed")
        return self._opened.get(os.getpid()) or self._opened.setdefault(os.getpid(), self._connect())

    def close(self) -> None:
        """Ends every call of this process."""
        self._closed = True
        opened = self._opened.pop(os.getpid(), None)
        if opened:
            opened.channel.close()

    def call(
        self,
        method: Callable[[Opened], grpc.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        *,
        idempotent: bool = True,
    ) -> Response:
        """Calls a unary method; an idempotent one again while the server is away, `timeout` seconds in all."""
        deadline = time.monotonic() + self.timeout
        backoff = Backoff(self.timeout if idempotent else 0.0)
        while True:
            opened = self.open()
            try:
                left = max(0.0, deadline - time.monotonic())
                return method(opened)(request, timeout=left, metadata=opened.metadata)
            except grpc.RpcError as failure:
                error = from_grpc(failure)
            backoff.wait(error)

    def _connect(self) -> Opened:
        endpoint = find_endpoint(self._address, self._token)
        channel = open_channel(endpoint, self._tls)
        metadata = (("authorization", f"Bearer {endpoint.token}"),)
        return Opened(channel, CorpusServiceStub(channel), ExportServiceStub(channel), metadata)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": {}}
