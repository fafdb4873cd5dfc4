from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from loraloop._times import to_datetime
from loraloop.corpus.v1 import record_pb2


@dataclass(frozen=True, slots=True)
class Record:
    """One document of a collection.

    `fields` is any JSON object of at most 4 MiB; an empty `id` lets the server give one. `source` says where it came
    from, `quality_score` is 0 to 1, `subject` is whose data it is, `group` keeps records on one side of a split.
    The rest is set by the server.
    """

    fields: Mapping[str, Any]
    id: str = ""
    source: str = ""
    quality_score: float | None = None
    subject: str = ""
    group: str = ""
    create_time: datetime | None = field(default=None, compare=False)
    update_time: datetime | None = field(default=None, compare=False)
    content_sha256: str = field(default="", compare=False)
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of records. `revision` is the last commit that changed one of them."""

    name: str
    create_time: datetime
    revision: int


def to_record(value: Record | Mapping[str, Any], id_field: str) -> record_pb2.Record:
    """Encodes a record, or a dict whose `id_field` is its id. Raises ValueError or TypeError where it cannot."""
    _check(value, id_field)
    if not isinstance(value, Record):
        return record_pb2.Record(id=id_of(value, id_field), fields_json=_to_json(value))
    return record_pb2.Record(
        id=value.id,
        fields_json=_to_json(value.fields),
        source=value.source,
        quality_score=value.quality_score,
        subject=value.subject,
        group=value.group,
    )


def from_record(message: record_pb2.Record) -> Record:
    return Record(
        id=message.id,
        fields=orjson.loads(message.fields_json),
        source=message.source,
        quality_score=message.quality_score if message.HasField("quality_score") else None,
        subject=message.subject,
        group=message.group,
        create_time=to_datetime(message.create_time),
        update_time=to_datetime(message.update_time),
        content_sha256=message.content_sha256.hex(),
        revision=message.revision,
    )


def from_collection(message: record_pb2.Collection) -> Collection:
    return Collection(message.name, to_datetime(message.create_time), message.revision)


def id_of(value: Record | Mapping[str, Any], id_field: str) -> str:
    """The id as it is sent, or as well as it can be named."""
    return value.id if isinstance(value, Record) else str(value.get(id_field, ""))


def _check(value: Record | Mapping[str, Any], id_field: str) -> None:
    if isinstance(value, Record):
        if value.quality_score is not None and not 0 <= value.quality_score <= 1:
            raise ValueError(f"its quality_score is {value.quality_score}; expected 0 to 1")
    elif isinstance(value.get(id_field, ""), bool) or not isinstance(value.get(id_field, ""), (str, int)):
        raise TypeError(f"its {id_field!r} is {value[id_field]!r}; an id is a string or an integer")


def _to_json(fields: Mapping[str, Any]) -> str:
    text = orjson.dumps(fields if isinstance(fields, dict) else dict(fields))
    # orjson writes numbers that JSON does not have as null.
    if b"null" in text:
        _refuse_non_finite(fields)
    return text.decode()


def _refuse_non_finite(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_non_finite(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _refuse_non_finite(part)
