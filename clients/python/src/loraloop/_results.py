"""What the server says, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from loraloop._spec import from_spec
from loraloop._times import to_datetime
from loraloop.export.v1 import dataset_pb2, export_service_pb2, snapshot_pb2


@dataclass(frozen=True, slots=True)
class Dataset:
    """One version of a named recipe. `spec` is the dict that gives it again, `digest` its SHA-256 in hex."""

    name: str
    version: int
    spec: dict[str, Any]
    digest: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that gave no sample, and why: `reason` as in the proto, e.g. `TEXT_TOO_SHORT`."""

    record_id: str
    reason: str
    problem: str


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many records one reason rejected, with the first five by id."""

    reason: str
    count: int
    examples: Sequence[Reject]


@dataclass(frozen=True, slots=True)
class ConditionCount:
    """How many records one condition of the selection dropped."""

    condition: str
    count: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What became of the records; fields as in `loraloop.export.v1.Statistics`."""

    scanned_count: int
    selected_count: int
    sample_count: int
    failed_count: int
    line_bytes: int
    output_bytes: int
    duration_ms: int
    schema_invalid_kept_count: int
    rejects: Sequence[RejectCount]
    dropped: Sequence[ConditionCount]
    errors: Sequence[str]
    hint: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The result of a dataset at one revision. `state` is BUILDING, SEALED or FAILED; SEALED brings `digest` (hex)."""

    key: str
    dataset: str
    dataset_version: int
    spec: dict[str, Any]
    revision: int
    as_of: datetime
    state: str
    statistics: Statistics
    digest: str
    create_time: datetime
    seal_time: datetime | None
    expire_time: datetime | None
    failure: str
    renderer_version: int


@dataclass(frozen=True, slots=True)
class WeightExplanation:
    """The weight is the product of explicit and both factors; `length` in code points, `age_days` at as_of."""

    explicit: float
    defaulted: bool
    length_factor: float
    length: int
    freshness_factor: float
    age_days: float


@dataclass(frozen=True, slots=True)
class PreviewSample:
    """One sample, its line as it would be written, and why it weighs what it weighs (None without weighting)."""

    record_id: str
    sample: dict[str, Any]
    line: str
    weight: float
    weight_explanation: WeightExplanation | None
    schema_problem: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The first samples and rejects by id. `complete` where the whole collection was read for them."""

    samples: Sequence[PreviewSample]
    rejects: Sequence[Reject]
    statistics: Statistics
    complete: bool


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One place (JSON Pointer, empty for the whole) where a sample does not fit its schema."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a sample fits; true in a condition where it does."""

    valid: bool
    problems: Sequence[SchemaProblem]

    def __bool__(self) -> bool:
        return self.valid


def from_dataset(message: dataset_pb2.Dataset) -> Dataset:
    return Dataset(
        name=message.name,
        version=message.version,
        spec=from_spec(message.spec),
        digest=message.digest.hex(),
        create_time=to_datetime(message.create_time),
    )


def from_statistics(message: snapshot_pb2.Statistics) -> Statistics:
    return Statistics(
        scanned_count=message.scanned_count,
        selected_count=message.selected_count,
        sample_count=message.sample_count,
        failed_count=message.failed_count,
        line_bytes=message.line_bytes,
        output_bytes=message.output_bytes,
        duration_ms=message.duration_ms,
        schema_invalid_kept_count=message.schema_invalid_kept_count,
        rejects=[_from_reject_count(entry) for entry in message.rejects],
        dropped=[ConditionCount(entry.condition, entry.count) for entry in message.dropped],
        errors=list(message.errors),
        hint=message.hint,
    )


def from_snapshot(message: snapshot_pb2.Snapshot) -> Snapshot:
    return Snapshot(
        key=message.key,
        dataset=message.dataset,
        dataset_version=message.dataset_version,
        spec=from_spec(message.spec),
        revision=message.revision,
        as_of=to_datetime(message.as_of),
        state=snapshot_pb2.Snapshot.State.Name(message.state).removeprefix("STATE_"),
        statistics=from_statistics(message.statistics),
        digest=message.digest.hex(),
        create_time=to_datetime(message.create_time),
        seal_time=_optional(message.HasField("seal_time"), message.seal_time),
        expire_time=_optional(message.HasField("expire_time"), message.expire_time),
        failure=message.failure,
        renderer_version=message.renderer_version,
    )


def from_preview(message: export_service_pb2.PreviewSamplesResponse) -> Preview:
    return Preview(
        samples=[_from_preview_sample(sample) for sample in message.samples],
        rejects=[_from_reject(reject) for reject in message.rejects],
        statistics=from_statistics(message.statistics),
        complete=message.complete,
    )


def from_validation(message: export_service_pb2.ValidateSampleResponse) -> Validation:
    return Validation(message.valid, [SchemaProblem(entry.path, entry.problem) for entry in message.problems])


def _from_preview_sample(message: export_service_pb2.PreviewSample) -> PreviewSample:
    explained = message.weight_explanation if message.HasField("weight_explanation") else None
    return PreviewSample(
        record_id=message.record_id,
        sample=orjson.loads(message.line),
        line=message.line,
        weight=message.weight_micros / 1_000_000,
        weight_explanation=_from_explanation(explained) if explained is not None else None,
        schema_problem=message.schema_problem,
    )


def _from_explanation(message: export_service_pb2.WeightExplanation) -> WeightExplanation:
    return WeightExplanation(
        explicit=message.explicit,
        defaulted=message.defaulted,
        length_factor=message.length_factor,
        length=message.length,
        freshness_factor=message.freshness_factor,
        age_days=message.age_days,
    )


def _from_reject_count(message: snapshot_pb2.RejectCount) -> RejectCount:
    examples = [_from_reject(reject) for reject in message.examples]
    return RejectCount(_reason(message.reason), message.count, examples)


def _from_reject(message: snapshot_pb2.Reject) -> Reject:
    return Reject(message.record_id, _reason(message.reason), message.problem)


def _reason(reason: int) -> str:
    """A reason that is newer than this client keeps its number."""
    known = snapshot_pb2.RejectReason.DESCRIPTOR.values_by_number.get(reason)
    return known.name.removeprefix("REJECT_REASON_") if known is not None else str(reason)


def _optional(present: bool, timestamp: Timestamp) -> datetime | None:
    return to_datetime(timestamp) if present else None
