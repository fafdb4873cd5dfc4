from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from loraloop._cursor import Cursor
from loraloop._endpoint import Tls, registry_endpoint
from loraloop._plan import Plan, Share
from loraloop._stream_request import Compression, to_stream_request
from loraloop._times import Time
from loraloop.aio._connection import Connection
from loraloop.aio._registry import Registry
from loraloop.aio._runs import Runs
from loraloop.aio._stream import SampleStream


class Client:
    """As `loraloop.Client`, for one event loop; what is not here is done before or after, with the other one."""

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        tls: Tls = False,
        timeout: float = 30.0,
        patience: float = 300.0,
        registry_address: str | None = None,
        registry_token: str | None = None,
    ) -> None:
        self._connection = Connection(address, token, tls, timeout, patience)
        elsewhere = registry_endpoint(registry_address, registry_token, address, token)
        self._registry_connection = Connection(*elsewhere, tls, timeout, patience) if elsewhere else self._connection
        self.runs = Runs(self._connection)
        self.registry = Registry(self._registry_connection)

    def stream(
        self,
        dataset: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        snapshot: str | None = None,
        split: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        plan: Plan | None = None,
        run: str | None = None,
        epoch: int = 0,
        rank: int = 0,
        world_size: int = 1,
        worker: int = 0,
        worker_count: int = 1,
        compression: Compression = "none",
        batch_size: int = 0,
        with_ids: bool = False,
        resume: Mapping[str, Any] | None = None,
    ) -> SampleStream:
        """As `loraloop.Client.stream`, without a cache of blocks."""
        source = (dataset, spec, snapshot, split, as_of, revision, allow_open_ingest)
        share = Share(rank, world_size, worker, worker_count)
        request = to_stream_request(source, plan, run, epoch, share, compression, False, batch_size)
        return SampleStream(self._connection, Cursor(request, share, resume), with_ids)

    async def close(self) -> None:
        """Ends every call. Idempotent."""
        await self._connection.close()
        await self._registry_connection.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
