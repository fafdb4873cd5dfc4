"""Splits of a dataset, by the rule of the proto."""

from __future__ import annotations

import hashlib

import pytest

from loraloop import Client, InvalidArgumentError, Record

SPEC = {
    "collection": "split",
    "format": "text",
    "splits": {
        "parts": [
            {"name": "train", "percent": 70},
            {"name": "test", "percent": 5},
            {"name": "validation", "percent": 25},
        ],
        "salt": "ä",
    },
}


def records() -> list[Record]:
    """Records in groups of four and, from the 200th on, in none."""
    groups = [f"group {number // 4}" if number < 200 else "" for number in range(400)]
    return [
        Record(id=f"{number:03d}", fields={"text": f"{number:03d}"}, group=group) for number, group in enumerate(groups)
    ]


def expected_part(record: Record) -> str:
    group = record.group or record.id
    word = int.from_bytes(hashlib.sha256(b"\xc3\xa4\0" + group.encode()).digest()[:4], "big")
    percent = word * 100 / 2**32
    return "train" if percent < 70 else "test" if percent < 75 else "validation"


def test_every_part_has_the_records_that_the_rule_gives_it(client: Client) -> None:
    client.ingest("split", records())
    client.datasets.put("split", SPEC)
    keys = set()
    for part in ("train", "test", "validation"):
        expected = [record.id for record in records() if expected_part(record) == part]
        assert expected
        with client.stream("split", split=part) as stream:
            assert [sample["text"] for sample in stream] == expected
        preview = client.preview(spec=SPEC, split=part, sample_count=2)
        assert [sample.record_id for sample in preview.samples] == expected[:2]
        keys.add(client.snapshots.build("split", split=part).key)
    assert len(keys) == 3


def test_an_unknown_split_names_the_known_ones(client: Client) -> None:
    client.ingest("split", records())
    with pytest.raises(InvalidArgumentError, match="expected one of train, test, validation"):
        client.preview(spec=SPEC, split="dev")
