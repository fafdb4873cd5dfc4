from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from loraloop._connection import Connection
from loraloop._lease import Renewal
from loraloop._plan import Plan
from loraloop._plans import StoredPlan, from_plan, to_stream_source
from loraloop._run_results import (
    AdaptiveSampling,
    Environment,
    RunInfo,
    from_run,
    package_versions,
    to_adaptive,
    to_environment,
)
from loraloop._times import Time
from loraloop._watch import watch
from loraloop.export.v1 import run_service_pb2 as pb

#: The server's limit for one call.
CALL_LOSSES = 65_536
RENEW_SECONDS = 5.0


def open_request(
    run: str,
    source: tuple[Any, ...],
    plan: Plan | None,
    adaptive_sampling: AdaptiveSampling | None,
    environment: Environment,
    lease_seconds: int,
) -> pb.OpenRunRequest:
    return pb.OpenRunRequest(
        run=run,
        **to_stream_source(source, plan or Plan(), None, 0),
        adaptive_sampling=to_adaptive(adaptive_sampling) if adaptive_sampling is not None else None,
        environment=to_environment(environment),
        lease_seconds=lease_seconds,
        lease=secrets.token_hex(16),
    )


def progress_request(
    run: str, lease: str, step: int, epoch: int | None, next_index: int | None, metrics: Mapping[str, float] | None
) -> pb.ReportProgressRequest:
    request = pb.ReportProgressRequest(run=run, lease=lease, step=step, metrics=metrics or {})
    if (epoch is None) != (next_index is None):
        raise TypeError("give both of epoch= and next_index=, or none")
    if epoch is not None and next_index is not None:
        request.consumed.CopyFrom(pb.RunPosition(epoch=epoch, next_index=next_index, step=step))
    return request


def loss_requests(
    run: str, lease: str, epoch: int, indices: Sequence[int], losses: Sequence[float]
) -> Iterator[pb.ReportLossesRequest]:
    """As many as the server's limit needs."""
    if len(indices) != len(losses):
        raise ValueError(f"{len(indices)} indices and {len(losses)} losses")
    for first in range(0, len(indices), CALL_LOSSES):
        part = slice(first, first + CALL_LOSSES)
        yield pb.ReportLossesRequest(run=run, lease=lease, epoch=epoch, indices=indices[part], losses=losses[part])


class Runs:
    """Trainings: what they read, where they are, how it went: `client.runs`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
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
        """Opens a run, or takes over one that is there under the same id and request; waits for its snapshots.

        Its snapshots are held until it is closed. The lease is renewed from a thread; a run whose lease ends is LOST
        until its holder says something or it is opened again. Who held it before is refused from then on, as are ranks
        that were attached to that opening. The server makes an id where none is given. Versions of all installed
        packages are kept with the run.
        """
        source = (dataset, spec, snapshot, split, as_of, revision, allow_open_ingest)
        environment = Environment(package_versions(), base_model, seed, world_size, configuration or {})
        request = open_request(run, source, plan, adaptive_sampling, environment, lease_seconds)
        connection = self._connection
        # Without an id, a repeated call would open another run.
        opened = connection.call(
            lambda opened: opened.runs.OpenRun, request, idempotent=run != "", timeout=connection.patience
        )
        return Run(connection, opened.run.id, request.lease, lease_seconds)

    def attach(self, run: str) -> Run:
        """A run that somebody else has opened and renews: for the other ranks, which report under the same lease.

        Says nothing to the server yet.
        """
        return Run(self._connection, run, "", None)

    def get(self, run: str) -> RunInfo:
        return from_run(self._connection.call(lambda opened: opened.runs.GetRun, pb.GetRunRequest(run=run)).run)

    def list(self) -> Iterator[RunInfo]:
        """Newest first, without `loss_points`, and of `epochs` at most that of `consumed`."""
        request = pb.ListRunsRequest()
        while True:
            response = self._connection.call(lambda opened: opened.runs.ListRuns, request)
            yield from map(from_run, response.runs)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def losses(self, run: str, epoch: int) -> Iterator[tuple[int, float]]:
        """Index and loss of each sample that has one, by index."""
        request = pb.ListLossesRequest(run=run, epoch=epoch, page_size=CALL_LOSSES)
        while True:
            response = self._connection.call(lambda opened: opened.runs.ListLosses, request)
            yield from zip(response.indices, response.losses, strict=True)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def watch(self, run: str) -> Iterator[RunInfo]:
        """The run now and after every change, at most four times a second, until it is closed."""
        return watch(self._connection.patience, lambda: self._watch_once(run))

    def _watch_once(self, run: str) -> Iterator[RunInfo]:
        opened = self._connection.open()
        call = opened.runs.WatchRun(pb.WatchRunRequest(run=run), metadata=opened.metadata)
        try:
            for response in call:
                yield from_run(response.run)
        finally:
            call.cancel()


class Run:
    """One training: `client.runs.open(…)`. As a context manager it closes itself, with an error as a failure.

    What interrupts the process (KeyboardInterrupt, SystemExit) leaves it open, to be opened again. Picklable: a copy
    does not renew the lease. What it says is said again while the server is away, for the client's `patience`.
    """

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
        self._renewal = Renewal(_renew(connection, id, lease), lease_seconds) if lease_seconds is not None else None

    @property
    def lease(self) -> str:
        """Names the opening under which this reports; of an attached run, the one that holds it at the first report."""
        if not self._lease:
            self._lease = self.info.lease
        return self._lease

    @property
    def info(self) -> RunInfo:
        """As the server knows it now."""
        request, patience = pb.GetRunRequest(run=self.id), self._connection.patience
        return from_run(self._connection.call(lambda opened: opened.runs.GetRun, request, timeout=patience).run)

    def report_progress(
        self,
        *,
        step: int,
        epoch: int | None = None,
        next_index: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Says what a saved checkpoint has consumed (`epoch` and `next_index` of its state) and metrics, at most 64.

        Metrics are finite; the course of `loss` is kept.
        """
        request = progress_request(self.id, self.lease, step, epoch, next_index, metrics)
        self._connection.call(lambda opened: opened.runs.ReportProgress, request, timeout=self._connection.patience)

    def report_losses(self, epoch: int, indices: Sequence[int], losses: Sequence[float]) -> None:
        """Says losses of single samples, by their indices in the epoch's plan, in as many calls as it needs.

        The last one said for an index counts.
        """
        for request in loss_requests(self.id, self.lease, epoch, indices, losses):
            self._connection.call(lambda opened: opened.runs.ReportLosses, request, timeout=self._connection.patience)

    def close_epoch(self, epoch: int) -> StoredPlan:
        """Ends an epoch; returns the plan of the next one. A repetition gives the same plan."""
        request = pb.CloseEpochRequest(run=self.id, lease=self.lease, epoch=epoch)
        patience = self._connection.patience
        return from_plan(self._connection.call(lambda opened: opened.runs.CloseEpoch, request, timeout=patience).plan)

    def close(self, *, succeeded: bool = True, message: str = "", adapter_version: str = "") -> RunInfo:
        """Ends the run with a result; a repetition with the same result is not refused."""
        result = pb.RunResult(succeeded=succeeded, message=message, adapter_version=adapter_version)
        request = pb.CloseRunRequest(run=self.id, lease=self.lease, result=result)
        patience = self._connection.patience
        closed = self._connection.call(lambda opened: opened.runs.CloseRun, request, timeout=patience)
        self._stop_renewing()
        return from_run(closed.run)

    def watch(self) -> Iterator[RunInfo]:
        """As `client.runs.watch`."""
        return Runs(self._connection).watch(self.id)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewal is None or not self._renewal.stop.alive:
            return
        if error is None:
            self.close()
        elif isinstance(error, Exception):
            self.close(succeeded=False, message=f"{type(error).__name__}: {error}"[:1_000])
        else:
            self._stop_renewing()

    def _stop_renewing(self) -> None:
        if self._renewal is not None:
            self._renewal.stop()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_renewal": None}


def _renew(connection: Connection, run: str, lease: str) -> Any:
    request = pb.RenewRunRequest(run=run, lease=lease)
    return lambda: connection.call(
        lambda opened: opened.runs.RenewRun, request, idempotent=False, timeout=RENEW_SECONDS
    )
