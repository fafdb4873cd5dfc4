from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest

import loraloop
from loraloop._spec import from_spec, to_spec

WHOLE: dict[str, Any] = {
    "collection": "faq",
    "format": "instruction",
    "mapping": {"instruction": {"field": "question"}, "output": {"template": "{{answer}}!"}},
    "selection": {
        "conditions": [{"field": "theme", "values": ["tax"]}],
        "time_range": {"start_time": "2020-01-01T00:00:00Z"},
        "min_quality_score": 0.5,
    },
    "weighting": {"weight_field": "w", "auto_weight_by_length": True, "freshness": {"window_days": 30.0}},
    "quality": {"min_text_length": 5, "skip_duplicates": True},
    "error_handling": {"max_errors": 0},
    "adapter_metadata": {"lora_rank": 16},
}


def test_reads_the_names_of_the_proto_and_writes_them_again() -> None:
    assert from_spec(to_spec(WHOLE)) == WHOLE


def test_shorthands() -> None:
    spec = to_spec({"mapping": {"output": "answer"}, "schema_validation": {"json_schema": {"type": "object"}}})
    assert spec.mapping["output"].field == "answer"
    assert spec.schema_validation.json_schema == '{"type":"object"}'
    spec = to_spec({"selection": {"conditions": [{"field": "year", "values": [2020, True, "x"]}]}})
    assert list(spec.selection.conditions[0].values) == ["2020", "true", "x"]


@pytest.mark.parametrize(
    "moment", ["2020-01-01", date(2020, 1, 1), "2020-01-01T01:00:00+01:00", datetime(2020, 1, 1, tzinfo=timezone.utc)]
)
def test_times(moment: object) -> None:
    spec = to_spec({"selection": {"time_range": {"end_time": moment}}})
    assert spec.selection.time_range.end_time.seconds == 1_577_836_800


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"colection": "faq"}, "colection"),
        ({"quality": {"minTextLength": 3}}, "quality.minTextLength"),
        ({"mapping": {"output": {"fields": "x"}}}, "mapping.output.fields"),
        ({"selection": {"conditions": [{"field": "a"}, {"feld": "b"}]}}, "selection.conditions[1].feld"),
        ({"selection": {"time_range": {"start_time": "yesterday"}}}, "selection.time_range.start_time"),
        ({"selection": {"time_range": {"start_time": datetime(2020, 1, 1)}}}, "selection.time_range.start_time"),
        ({"quality": 3}, "quality"),
        ({"adapter_metadata_json": "{}"}, "adapter_metadata_json"),
        ({"quality": {"min_text_length": "many"}}, ""),
    ],
)
def test_names_what_is_wrong(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(loraloop.InvalidArgumentError) as caught:
        to_spec(spec)
    assert caught.value.reason == "DATASET_INVALID"
    assert caught.value.metadata["field"] == field
