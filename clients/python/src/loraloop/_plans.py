from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from loraloop._connection import Connection
from loraloop._plan import Plan, from_plan_spec, to_plan_spec
from loraloop._source import to_source
from loraloop._times import Time
from loraloop.export.v1 import export_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class PlanSource:
    """One source of a plan; fields as in `loraloop.export.v1.PlanSource`."""

    snapshot: str
    snapshot_sample_count: int
    epoch_sample_count: int
    sample_count: int
    weight_table: str
    slots: int


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as the server keeps it: `hash` names it, `spec` is its order, `sources` are the snapshots that it reads.

    `sample_count` and `global_batch_count` are of the epoch.
    """

    hash: str
    spec: Plan
    sources: Sequence[PlanSource]
    sample_count: int
    global_batch_count: int
    order_version: int


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """Which sample is at an index, and why; fields as in `loraloop.export.v1.PlanEntry`."""

    index: int
    global_batch: int
    rank: int
    source: int
    source_epoch: int
    source_index: int
    window: int
    page: int
    sample: int
    copy: int
    copies: int
    record_id: str
    weight_micros: int


class Plans:
    """Orders of samples: `client.plans`. A plan is named as `Client.stream` names it, or by its `hash`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(
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
        hash: str | None = None,  # noqa: A002 (the field's name)
    ) -> StoredPlan:
        """The plan that a stream would follow; the server keeps it. Waits until its snapshots are sealed."""
        source = (dataset, spec, snapshot, split, as_of, revision, allow_open_ingest)
        request = pb.GetPlanRequest(**_named_by(source, plan, run, epoch, hash))
        return from_plan(self._call(request).plan)

    def max_steps(
        self,
        hash: str,  # noqa: A002 (the field's name)
        *,
        epochs: int = 1,
        gradient_accumulation_steps: int = 1,
    ) -> int:
        """Optimizer steps of so many epochs like this plan's; the last step of an epoch may have fewer batches.

        Raises ValueError where one of the numbers is below 1.
        """
        if min(epochs, gradient_accumulation_steps) < 1:
            raise ValueError(f"{epochs} epochs, {gradient_accumulation_steps} accumulation steps: at least 1 of each")
        request = pb.GetPlanRequest(hash=hash, epochs=epochs, gradient_accumulation_steps=gradient_accumulation_steps)
        return self._call(request).max_steps

    def _call(self, request: pb.GetPlanRequest) -> pb.GetPlanResponse:
        """A build may take longer than an answer does otherwise."""
        patience = self._connection.patience
        return self._connection.call(lambda opened: opened.export.GetPlan, request, timeout=patience)

    def explain(
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
        hash: str | None = None,  # noqa: A002 (the field's name)
        first_index: int = 0,
        count: int = 10,
        world_size: int = 1,
    ) -> Sequence[PlanEntry]:
        """Which samples are at `count` indices (at most 1,000) from `first_index` on, and why."""
        source = (dataset, spec, snapshot, split, as_of, revision, allow_open_ingest)
        request = pb.ExplainPlanRequest(
            **_named_by(source, plan, run, epoch, hash), first_index=first_index, count=count, world_size=world_size
        )
        response = self._connection.call(
            lambda opened: opened.export.ExplainPlan, request, timeout=self._connection.patience
        )
        return [_from_entry(entry) for entry in response.entries]


def to_stream_source(source: tuple[Any, ...], plan: Plan | None, run: str | None, epoch: int) -> dict[str, Any]:
    """The fields of a request that say what is read in which order: a source and a plan, or an epoch of a run.

    `source` are the arguments of `to_source`. Raises TypeError where both or neither are given.
    """
    if run is not None:
        if not isinstance(run, str):
            raise TypeError(f"run= is the id of a run, not a {type(run).__name__}: give its .id")
        if plan is not None or any(source):
            raise TypeError("give either run= or a source and a plan")
        return {"run_epoch": pb.RunEpoch(run=run, epoch=epoch)}
    if plan is None or plan.mixture is None:
        named = {"source": to_source(*source)}
        return named if plan is None else {**named, "plan": to_plan_spec(plan)}
    if any(source):
        raise TypeError("give either a source or a mixture")
    return {"plan": to_plan_spec(plan)}


def _named_by(
    source: tuple[Any, ...], plan: Plan | None, run: str | None, epoch: int, plan_hash: str | None
) -> dict[str, Any]:
    if plan_hash is None:
        return to_stream_source(source, plan or (None if run is not None else Plan()), run, epoch)
    if plan is not None or run is not None or any(source):
        raise TypeError("hash= names the whole plan: give nothing else with it")
    return {"hash": plan_hash}


def from_plan(message: pb.Plan) -> StoredPlan:
    return StoredPlan(
        hash=message.hash,
        spec=from_plan_spec(message.spec),
        sources=[_from_source(source) for source in message.sources],
        sample_count=message.sample_count,
        global_batch_count=message.global_batch_count,
        order_version=message.order_version,
    )


def _from_source(message: pb.PlanSource) -> PlanSource:
    return PlanSource(*(getattr(message, field.name) for field in fields(PlanSource)))


def _from_entry(message: pb.PlanEntry) -> PlanEntry:
    return PlanEntry(*(getattr(message, field.name) for field in fields(PlanEntry)))
