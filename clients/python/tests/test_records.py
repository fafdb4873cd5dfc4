from __future__ import annotations

import hashlib
import struct
from typing import Any

import pytest

from loraloop import Record
from loraloop._ingest import chunk_digest, shortest_decimal
from loraloop._records import to_record
from loraloop._results import _reason


def test_a_dict_is_the_fields_and_holds_the_id() -> None:
    message = to_record({"id": 7, "text": "ä"}, "id")
    assert (message.id, message.fields_json) == ("7", '{"id":7,"text":"ä"}')


def test_a_record_is_sent_whole() -> None:
    message = to_record(Record({"a": None}, id="x", source="s", quality_score=0.0, subject="me", group="g"), "id")
    assert message.fields_json == '{"a":null}'
    assert message.HasField("quality_score")
    assert (message.id, message.source, message.subject, message.group) == ("x", "s", "me", "g")


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"id": 1.5}, "'id' is 1.5"),
        ({"id": True}, "'id' is True"),
        ({"id": "x", "score": float("nan"), "other": None}, "nan is not a JSON number"),
        ({"id": "x", "deep": [{"a": float("inf")}]}, "inf is not a JSON number"),
        ({"id": "x", "text": "\ud800"}, "surrogates"),
        ({"id": "x", 3: "y"}, "key"),
        (Record({}, quality_score=1.5), "quality_score is 1.5"),
        (Record({}, id="\ud800"), "surrogates"),
    ],
)
def test_refuses_what_json_cannot_hold(record: Any, problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        to_record(record, "id")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.5, "0.5"),
        (0.00001, "0.00001"),
        (1.5e-6, "0.0000015"),
        (1.25e-7, "1.25e-7"),
    ],
)
def test_decimals_are_those_of_ecmascript(value: float, text: str) -> None:
    assert shortest_decimal(value) == text


def test_digest_covers_six_parts_a_record() -> None:
    parts = [b"x", b'{"a":1}', b"", b"0.5", b"", b"g"]
    expected = hashlib.sha256(b"".join(struct.pack(">I", len(part)) + part for part in parts)).digest()
    assert chunk_digest([to_record(Record({"a": 1}, id="x", quality_score=0.5, group="g"), "id")]) == expected


def test_a_reason_of_a_newer_server_keeps_its_number() -> None:
    assert (_reason(9), _reason(999)) == ("TEXT_TOO_SHORT", "999")
