from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc

from loraloop._backoff import Backoff
from loraloop._endpoint import Tls, find_endpoint, open_channel
from loraloop._read_frame import STREAM_SAMPLES
from loraloop.corpus.v1.corpus_service_pb2_grpc import CorpusServiceStub
from loraloop.errors import ClosedError, RpcError, UnavailableError, from_grpc
from loraloop.export.v1 import export_service_pb2 as pb
from loraloop.export.v1.export_service_pb2_grpc import ExportServiceStub
from loraloop.export.v1.run_service_pb2_grpc import RunServiceStub
from loraloop.registry.v1.adapter_service_pb2_grpc import AdapterServiceStub
from loraloop.registry.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from loraloop.registry.v1.base_model_service_pb2_grpc import BaseModelServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")

# For how many seconds a call looks for a server that has never answered: nobody may be there at all.
_FIRST_CONTACT = 5.0


@dataclass(frozen=True)
class Opened:
    """A channel, its services, and what every call on it carries."""

    address: str
    channel: grpc.Channel
    corpus: CorpusServiceStub
    export: ExportServiceStub
    #: Frames come as bytes.
    stream_samples: grpc.UnaryStreamMultiCallable[pb.StreamSamplesRequest, bytes]
    runs: RunServiceStub
    adapters: AdapterServiceStub
    artifacts: ArtifactServiceStub
    base_models: BaseModelServiceStub
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
        self._reached = False
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
        timeout: float | None = None,
    ) -> Response:
        """Calls a unary method; an idempotent one again while the server is away, `timeout` seconds in all.

        A server that has never answered is taken for absent after five seconds.
        """
        seconds = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        patience = seconds if self._reached else min(seconds, _FIRST_CONTACT)
        backoff = Backoff(patience if idempotent else 0.0)
        while True:
            opened = self.open()
            try:
                left = max(0.0, deadline - time.monotonic())
                response = method(opened)(request, timeout=left, metadata=opened.metadata)
            except grpc.RpcError as failure:
                error = self._explain(from_grpc(failure), opened.address)
            else:
                self._reached = True
                return response
            backoff.wait(error)

    def _explain(self, error: RpcError, address: str) -> RpcError:
        """Says where nobody answers; an error that the server gave a reason stays as it is."""
        self._reached = self._reached or error.reason != ""
        if self._reached or error.code != "UNAVAILABLE":
            return error
        problem = f"no server answers at {address}: is it running, and the address right? ({error.args[0]})"
        return UnavailableError(problem, code=error.code)

    def _connect(self) -> Opened:
        endpoint = find_endpoint(self._address, self._token)
        channel = open_channel(endpoint, self._tls)
        metadata = (("authorization", f"Bearer {endpoint.token}"),)
        return Opened(
            endpoint.address,
            channel,
            CorpusServiceStub(channel),
            ExportServiceStub(channel),
            channel.unary_stream(STREAM_SAMPLES, pb.StreamSamplesRequest.SerializeToString),
            RunServiceStub(channel),
            AdapterServiceStub(channel),
            ArtifactServiceStub(channel),
            BaseModelServiceStub(channel),
            metadata,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": {}}
