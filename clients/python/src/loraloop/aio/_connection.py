from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio

from loraloop._backoff import Backoff
from loraloop._endpoint import Tls, find_endpoint, open_async_channel
from loraloop._read_frame import STREAM_SAMPLES
from loraloop.errors import ClosedError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb
from loraloop.export.v1.export_service_pb2_grpc import ExportServiceStub
from loraloop.export.v1.run_service_pb2_grpc import RunServiceStub
from loraloop.registry.v1.adapter_service_pb2_grpc import AdapterServiceStub

if TYPE_CHECKING:
    from loraloop.export.v1.export_service_pb2_grpc import ExportServiceAsyncStub
    from loraloop.export.v1.run_service_pb2_grpc import RunServiceAsyncStub
    from loraloop.registry.v1.adapter_service_pb2_grpc import AdapterServiceAsyncStub

Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True)
class Opened:
    """A channel, its services, and what every call on it carries."""

    channel: grpc.aio.Channel
    export: ExportServiceAsyncStub
    #: Frames come as bytes.
    stream_samples: grpc.aio.UnaryStreamMultiCallable[pb.StreamSamplesRequest, bytes]
    runs: RunServiceAsyncStub
    adapters: AdapterServiceAsyncStub
    metadata: tuple[tuple[str, str], ...]


class Connection:
    """Opens the channel when it is first used, in the event loop that uses it."""

    def __init__(self, address: str | None, token: str | None, tls: Tls, timeout: float, patience: float) -> None:
        self._address = address
        self._token = token
        self._tls = tls
        self.timeout = timeout
        self.patience = patience
        self._closed = False
        self._opened: Opened | None = None

    def open(self) -> Opened:
        if self._closed:
            raise ClosedError("the client is closed")
        if self._opened is None:
            endpoint = find_endpoint(self._address, self._token)
            channel = open_async_channel(endpoint, self._tls)
            metadata = (("authorization", f"Bearer {endpoint.token}"),)
            self._opened = Opened(
                channel,
                ExportServiceStub(channel),
                channel.unary_stream(STREAM_SAMPLES, pb.StreamSamplesRequest.SerializeToString),
                RunServiceStub(channel),
                AdapterServiceStub(channel),
                metadata,
            )
        return self._opened

    async def close(self) -> None:
        self._closed = True
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.channel.close()

    async def call(
        self,
        method: Callable[[Opened], grpc.aio.UnaryUnaryMultiCallable[Request, Response]],
        request: Request,
        *,
        idempotent: bool = True,
        timeout: float | None = None,
    ) -> Response:
        """Calls a unary method; an idempotent one again while the server is away, `timeout` seconds in all."""
        seconds = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        backoff = Backoff(seconds if idempotent else 0.0)
        while True:
            opened = self.open()
            try:
                left = max(0.0, deadline - time.monotonic())
                return await method(opened)(request, timeout=left, metadata=opened.metadata)
            except grpc.aio.AioRpcError as failure:
                error = from_grpc(failure)
            await asyncio.sleep(backoff.next_pause(error))
