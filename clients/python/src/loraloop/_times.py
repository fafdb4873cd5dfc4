from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

#: A moment: a datetime with a time zone, a date (its midnight UTC), or either in ISO 8601 (UTC without offset).
Time: TypeAlias = "datetime | date | str"


def to_timestamp(value: Time) -> Timestamp:
    """Raises ValueError for text that is no time and for a datetime without a time zone."""
    moment = _parse(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=timezone.utc)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def to_datetime(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(timezone.utc)


def _parse(text: str) -> datetime | date:
    try:
        return date.fromisoformat(text) if len(text) == len("2020-01-31") else _parse_time(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it like 2020-01-31 or 2020-01-31T12:00:00Z") from None


def _parse_time(text: str) -> datetime:
    # Python 3.10 does not read the Z.
    moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
