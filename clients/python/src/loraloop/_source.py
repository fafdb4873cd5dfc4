from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loraloop._spec import to_spec
from loraloop._times import Time, to_timestamp
from loraloop.export.v1 import export_service_pb2 as pb


def to_source(
    dataset: str | None,
    spec: Mapping[str, Any] | None,
    snapshot: str | None,
    split: str | None,
    as_of: Time | None,
    revision: int | None,
    allow_open_ingest: bool,
) -> pb.SampleSource:
    """What to read. Raises TypeError unless exactly one of dataset, spec and snapshot is given."""
    if sum(value is not None for value in (dataset, spec, snapshot)) != 1:
        raise TypeError("give exactly one of dataset=, spec= and snapshot=")
    source = pb.SampleSource(
        spec=to_spec(spec) if spec is not None else None,
        as_of=to_timestamp(as_of) if as_of is not None else None,
        revision=revision,
        allow_open_ingest=allow_open_ingest,
        split=split or "",
    )
    if dataset is not None:
        source.dataset = dataset
    if snapshot is not None:
        source.snapshot = snapshot
    return source
