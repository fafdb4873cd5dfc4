"""Runs as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from loraloop._plan import Plan, from_plan_spec
from loraloop._times import to_datetime
from loraloop.export.v1 import run_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class AdaptiveSampling:
    """How losses of one epoch become copies of the next one, see `loraloop.export.v1.AdaptiveSampling`.

    By default exponent 1, at least 0.25 and at most 4.
    """

    exponent: float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What is needed to run it again. `configuration` is anything that JSON can say."""

    package_versions: Mapping[str, str] = field(default_factory=dict)
    base_model: str = ""
    seed: int = 0
    world_size: int = 0
    configuration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSource:
    """An exact version of what a run reads; fields as in `loraloop.export.v1.RunSource`, `digest` in hex."""

    snapshot: str
    dataset: str
    dataset_version: int
    revision: int
    digest: str
    sample_count: int


@dataclass(frozen=True, slots=True)
class RunEpoch:
    """An epoch whose plan is fixed; `plan` is its hash, `mean_loss` None without losses."""

    epoch: int
    plan: str
    sample_count: int
    closed: bool
    loss_count: int
    mean_loss: float | None


@dataclass(frozen=True, slots=True)
class RunPosition:
    """A place in a run: `next_index` in the plan of `epoch`, after `step` optimizer steps."""

    epoch: int
    next_index: int
    step: int


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    succeeded: bool
    message: str = ""
    adapter_version: str = ""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as the server knows it. `state` is OPEN, LOST, SUCCEEDED or FAILED; `loss_points` are (step, loss).

    `lease` names the opening that holds it; empty where nobody does.
    """

    id: str
    state: str
    plan: Plan
    adaptive_sampling: AdaptiveSampling | None
    environment: Environment
    sources: Sequence[RunSource]
    epochs: Sequence[RunEpoch]
    consumed: RunPosition | None
    metrics: Mapping[str, float]
    loss_points: Sequence[tuple[int, float]]
    result: RunResult | None
    create_time: datetime
    update_time: datetime
    lease_expire_time: datetime | None
    end_time: datetime | None
    lease: str


def package_versions() -> dict[str, str]:
    """Of all that is installed here, by name."""
    installed = ((distribution.metadata["Name"], distribution.version) for distribution in metadata.distributions())
    return {name: version for name, version in installed if name}


def to_adaptive(sampling: AdaptiveSampling) -> pb.AdaptiveSampling:
    return pb.AdaptiveSampling(exponent=sampling.exponent, minimum=sampling.minimum, maximum=sampling.maximum)


def to_environment(environment: Environment) -> pb.Environment:
    configuration = orjson.dumps(environment.configuration).decode() if environment.configuration else ""
    return pb.Environment(
        package_versions=environment.package_versions,
        base_model=environment.base_model,
        seed=environment.seed,
        world_size=environment.world_size,
        configuration_json=configuration,
    )


def from_run(run: pb.Run) -> RunInfo:
    return RunInfo(
        id=run.id,
        state=pb.Run.State.Name(run.state).removeprefix("STATE_"),
        plan=from_plan_spec(run.plan),
        adaptive_sampling=_from_adaptive(run.adaptive_sampling) if run.HasField("adaptive_sampling") else None,
        environment=_from_environment(run.environment),
        sources=[_from_source(source) for source in run.sources],
        epochs=[_from_epoch(epoch) for epoch in run.epochs],
        consumed=_from_position(run.consumed) if run.HasField("consumed") else None,
        metrics=dict(run.metrics),
        loss_points=[(point.step, point.value) for point in run.loss_points],
        result=_from_result(run.result) if run.HasField("result") else None,
        create_time=to_datetime(run.create_time),
        update_time=to_datetime(run.update_time),
        lease_expire_time=_optional(run.HasField("lease_expire_time"), run.lease_expire_time),
        end_time=_optional(run.HasField("end_time"), run.end_time),
        lease=run.lease,
    )


def _from_adaptive(message: pb.AdaptiveSampling) -> AdaptiveSampling:
    return AdaptiveSampling(
        exponent=message.exponent if message.HasField("exponent") else None,
        minimum=message.minimum if message.HasField("minimum") else None,
        maximum=message.maximum if message.HasField("maximum") else None,
    )


def _from_environment(message: pb.Environment) -> Environment:
    return Environment(
        package_versions=dict(message.package_versions),
        base_model=message.base_model,
        seed=message.seed,
        world_size=message.world_size,
        configuration=orjson.loads(message.configuration_json) if message.configuration_json else {},
    )


def _from_source(message: pb.RunSource) -> RunSource:
    return RunSource(
        snapshot=message.snapshot,
        dataset=message.dataset,
        dataset_version=message.dataset_version,
        revision=message.revision,
        digest=message.digest.hex(),
        sample_count=message.sample_count,
    )


def _from_epoch(message: pb.RunEpochState) -> RunEpoch:
    return RunEpoch(
        epoch=message.epoch,
        plan=message.plan,
        sample_count=message.sample_count,
        closed=message.closed,
        loss_count=message.loss_count,
        mean_loss=message.mean_loss if message.HasField("mean_loss") else None,
    )


def _from_position(message: pb.RunPosition) -> RunPosition:
    return RunPosition(message.epoch, message.next_index, message.step)


def _from_result(message: pb.RunResult) -> RunResult:
    return RunResult(message.succeeded, message.message, message.adapter_version)


def _optional(present: bool, timestamp: Timestamp) -> datetime | None:
    return to_datetime(timestamp) if present else None
