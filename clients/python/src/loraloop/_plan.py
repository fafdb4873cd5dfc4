from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from loraloop._source import to_source
from loraloop._spec import from_spec
from loraloop._times import Time, to_datetime
from loraloop.export.v1 import export_service_pb2 as pb


@dataclass(frozen=True)
class MixtureSource:
    """One source of a mixture: what `Client.stream` takes, and its share of the samples relative to the others'.

    Shares are positive integers, rounded to 1,024ths of all, at least one of them.
    """

    dataset: str | None = None
    proportion: int = field(default=1, kw_only=True)
    spec: Mapping[str, Any] | None = field(default=None, kw_only=True)
    snapshot: str | None = field(default=None, kw_only=True)
    split: str | None = field(default=None, kw_only=True)
    as_of: Time | None = field(default=None, kw_only=True)
    revision: int | None = field(default=None, kw_only=True)
    allow_open_ingest: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Mixture:
    """1 to 64 sources in one order; each comes again, in a new order, where the mixture outlasts it.

    The epoch ends before the first sample that would come a second time (`exhaustion="first"`), or when the last source
    has come once ("all"). With `block_batches` the sources take turns for so many global batches each, in the order
    given, and proportions are not used.
    """

    sources: Sequence[MixtureSource]
    exhaustion: Literal["first", "all"] = "first"
    block_batches: int = 0


@dataclass(frozen=True)
class Plan:
    """The order in which samples come. Equal plans over equal snapshots give the same order on any machine.

    Every `epoch` has an order of its own; `seed` is the key of shuffle and sampling. `shuffle` is False for snapshot
    order (0 too), True for windows of 1,024 pages (about 64 MB), or the pages of a window. A global batch is one
    forward-backward step of all ranks: `global_batch_size` samples, at most 1,048,576; `drop_last` leaves out a last
    one that is not full. Weights come with the samples for the "loss", or say how often a sample comes ("sampling").
    """

    epoch: int = 0
    seed: int = 0
    shuffle: bool | int = False
    global_batch_size: int = 1
    drop_last: bool = False
    weights: Literal["loss", "sampling"] = "loss"
    mixture: Mixture | None = None


@dataclass(frozen=True)
class Share:
    """The part of a plan that one worker of one rank reads."""

    rank: int = 0
    world_size: int = 1
    worker: int = 0
    worker_count: int = 1

    @property
    def is_whole(self) -> bool:
        return self.world_size == 1 and self.worker_count == 1


Value = TypeVar("Value")

_WEIGHT_USES = {"loss": pb.WEIGHT_USE_LOSS, "sampling": pb.WEIGHT_USE_SAMPLING}
_EXHAUSTIONS = {"first": pb.Mixture.EXHAUSTION_FIRST, "all": pb.Mixture.EXHAUSTION_ALL}


def to_plan_spec(plan: Plan) -> pb.PlanSpec:
    return pb.PlanSpec(
        epoch=plan.epoch,
        seed=plan.seed,
        shuffle=_to_shuffle(plan.shuffle),
        global_batch_size=plan.global_batch_size,
        drop_last=plan.drop_last,
        weight_use=_one_of(_WEIGHT_USES, "weights", plan.weights),
        mixture=_to_mixture(plan.mixture) if plan.mixture is not None else None,
    )


def from_plan_spec(spec: pb.PlanSpec) -> Plan:
    return Plan(
        epoch=spec.epoch,
        seed=spec.seed,
        shuffle=(spec.shuffle.window_pages or True) if spec.HasField("shuffle") else False,
        global_batch_size=spec.global_batch_size or 1,
        drop_last=spec.drop_last,
        weights="sampling" if spec.weight_use == pb.WEIGHT_USE_SAMPLING else "loss",
        mixture=_from_mixture(spec.mixture) if spec.HasField("mixture") else None,
    )


def _to_shuffle(shuffle: bool | int) -> pb.Shuffle | None:
    if not shuffle:
        return None
    return pb.Shuffle(window_pages=0 if shuffle is True else shuffle)


def _to_mixture(mixture: Mixture) -> pb.Mixture:
    sources = [
        pb.MixtureSource(source=_to_source(source), proportion=_to_proportion(source)) for source in mixture.sources
    ]
    exhaustion = _one_of(_EXHAUSTIONS, "exhaustion", mixture.exhaustion)
    return pb.Mixture(sources=sources, exhaustion=exhaustion, block_batches=mixture.block_batches)


def _to_proportion(source: MixtureSource) -> int:
    if source.proportion < 1:
        raise ValueError(f"a source's proportion is {source.proportion}; leave the source out, or give it at least 1")
    return source.proportion


def _one_of(values: Mapping[str, Value], name: str, given: str) -> Value:
    if given not in values:
        raise ValueError(f"{name} is {given!r}; expected {' or '.join(map(repr, values))}")
    return values[given]


def _to_source(source: MixtureSource) -> pb.SampleSource:
    return to_source(
        source.dataset,
        source.spec,
        source.snapshot,
        source.split,
        source.as_of,
        source.revision,
        source.allow_open_ingest,
    )


def _from_mixture(mixture: pb.Mixture) -> Mixture:
    return Mixture(
        sources=[_from_source(entry) for entry in mixture.sources],
        exhaustion="all" if mixture.exhaustion == pb.Mixture.EXHAUSTION_ALL else "first",
        block_batches=mixture.block_batches,
    )


def _from_source(entry: pb.MixtureSource) -> MixtureSource:
    source = entry.source
    kind = source.WhichOneof("source")
    return MixtureSource(
        dataset=source.dataset if kind == "dataset" else None,
        proportion=entry.proportion or 1,
        spec=from_spec(source.spec) if kind == "spec" else None,
        snapshot=source.snapshot if kind == "snapshot" else None,
        split=source.split or None,
        as_of=to_datetime(source.as_of) if source.HasField("as_of") else None,
        revision=source.revision if source.HasField("revision") else None,
        allow_open_ingest=source.allow_open_ingest,
    )
