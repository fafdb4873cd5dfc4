from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from loraloop._backoff import Backoff
from loraloop._plan import Plan
from loraloop._plans import StoredPlan, from_plan
from loraloop._run_results import AdaptiveSampling, Environment, RunInfo, from_run, package_versions
from loraloop._runs import CALL_LOSSES, RENEW_SECONDS, loss_requests, open_request, progress_request
from loraloop._times import Time
from loraloop.aio._connection import Connection
from loraloop.errors import LoraloopError, RpcError, from_grpc
from loraloop.export.v1 import run_service_pb2 as pb


class Runs:
    """As `loraloop.Client.runs`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(
        self,
        run: str = "",
        *,
        dataset: str | None = None,
        spec: Mapping[str, Any] | None = None,
        snapshot: str | None = None,
        split: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        plan: Plan | None = None,
        adaptive_sampling: AdaptiveSampling | None = None,
        base_model: str = "",
        seed: int = 0,
        world_size: int = 1,
        configuration: Mapping[str, Any] | None = None,
        lease_seconds: int = 120,
    ) -> Run:
        """As `loraloop.Client.runs.open`; the lease is renewed by a task of the event loop."""
        source = (dataset, spec, snapshot, split, as_of, revision, allow_open_ingest)
        environment = Environment(package_versions(), base_model, seed, world_size, configuration or {})
        request = open_request(run, source, plan, adaptive_sampling, environment, lease_seconds)
        connection = self._connection
        opened = await connection.call(
            lambda opened: opened.runs.OpenRun, request, idempotent=run != "", timeout=connection.patience
        )
        return Run(connection, opened.run.id, request.lease, lease_seconds)

    def attach(self, run: str) -> Run:
        """A run that somebody else has opened and renews."""
        return Run(self._connection, run, "", None)

    async def get(self, run: str) -> RunInfo:
        response = await self._connection.call(lambda opened: opened.runs.GetRun, pb.GetRunRequest(run=run))
        return from_run(response.run)

    async def list(self) -> AsyncIterator[RunInfo]:
        """Newest first, without `loss_points`, and of `epochs` at most that of `consumed`."""
        request = pb.ListRunsRequest()
        while True:
            response = await self._connection.call(lambda opened: opened.runs.ListRuns, request)
            for run in response.runs:
                yield from_run(run)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    async def losses(self, run: str, epoch: int) -> AsyncIterator[tuple[int, float]]:
        """Index and loss of each sample that has one, by index."""
        request = pb.ListLossesRequest(run=run, epoch=epoch, page_size=CALL_LOSSES)
        while True:
            response = await self._connection.call(lambda opened: opened.runs.ListLosses, request)
            for index, loss in zip(response.indices, response.losses, strict=True):
                yield index, loss
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    async def watch(self, run: str) -> AsyncIterator[RunInfo]:
        """The run now and after every change, at most four times a second, until it is closed."""
        backoff = None
        while True:
            opened = self._connection.open()
            call = opened.runs.WatchRun(pb.WatchRunRequest(run=run), metadata=opened.metadata)
            try:
                async for response in call:
                    backoff = None
                    yield from_run(response.run)
                return
            except grpc.aio.AioRpcError as failure:
                error = from_grpc(failure)
            finally:
                call.cancel()
            backoff = backoff or Backoff(self._connection.patience)
            await asyncio.sleep(backoff.next_pause(error))


class Run:
    """As `loraloop.Run`. A cancelled task leaves the run open, to be opened again."""

    def __init__(
        self,
        connection: Connection,
        id: str,  # noqa: A002 (the field's name)
        lease: str,
        lease_seconds: int | None,
    ) -> None:
        self._connection = connection
        self.id = id
        self._lease = lease
        renewal = _renew(connection, id, lease, lease_seconds) if lease_seconds is not None else None
        self._renewal = asyncio.create_task(renewal) if renewal is not None else None

    async def info(self) -> RunInfo:
        """As the server knows it now."""
        return await Runs(self._connection).get(self.id)

    async def report_progress(
        self,
        *,
        step: int,
        epoch: int | None = None,
        next_index: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """As `loraloop.Run.report_progress`."""
        request = progress_request(self.id, await self._find_lease(), step, epoch, next_index, metrics)
        patience = self._connection.patience
        await self._connection.call(lambda opened: opened.runs.ReportProgress, request, timeout=patience)

    async def report_losses(self, epoch: int, indices: Sequence[int], losses: Sequence[float]) -> None:
        """As `loraloop.Run.report_losses`."""
        for request in loss_requests(self.id, await self._find_lease(), epoch, indices, losses):
            patience = self._connection.patience
            await self._connection.call(lambda opened: opened.runs.ReportLosses, request, timeout=patience)

    async def close_epoch(self, epoch: int) -> StoredPlan:
        """Ends an epoch; returns the plan of the next one. A repetition gives the same plan."""
        request = pb.CloseEpochRequest(run=self.id, lease=await self._find_lease(), epoch=epoch)
        patience = self._connection.patience
        response = await self._connection.call(lambda opened: opened.runs.CloseEpoch, request, timeout=patience)
        return from_plan(response.plan)

    async def close(self, *, succeeded: bool = True, message: str = "", adapter_version: str = "") -> RunInfo:
        """Ends the run with a result; a repetition with the same result is not refused."""
        result = pb.RunResult(succeeded=succeeded, message=message, adapter_version=adapter_version)
        request = pb.CloseRunRequest(run=self.id, lease=await self._find_lease(), result=result)
        patience = self._connection.patience
        response = await self._connection.call(lambda opened: opened.runs.CloseRun, request, timeout=patience)
        self._stop_renewing()
        return from_run(response.run)

    def watch(self) -> AsyncIterator[RunInfo]:
        """As `client.runs.watch`."""
        return Runs(self._connection).watch(self.id)

    async def __aenter__(self) -> Run:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewal is None:
            return
        if error is None:
            await self.close()
        elif isinstance(error, Exception):
            await self.close(succeeded=False, message=f"{type(error).__name__}: {error}"[:1_000])
        else:
            self._stop_renewing()

    async def _find_lease(self) -> str:
        if not self._lease:
            self._lease = (await self.info()).lease
        return self._lease

    def _stop_renewing(self) -> None:
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.cancel()


async def _renew(connection: Connection, run: str, lease: str, lease_seconds: int) -> None:
    request = pb.RenewRunRequest(run=run, lease=lease)
    while True:
        await asyncio.sleep(lease_seconds / 3)
        try:
            await connection.call(lambda opened: opened.runs.RenewRun, request, idempotent=False, timeout=RENEW_SECONDS)
        except LoraloopError as error:
            # Once the run or the client is closed, whoever uses it next is told why.
            if not (isinstance(error, RpcError) and error.retryable):
                return
