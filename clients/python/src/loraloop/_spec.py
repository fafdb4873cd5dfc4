"""Dataset specs as plain dicts: the names of the proto in snake_case, and the shorthands of dataset files.

A part's source may be the field's name alone, a condition's values may be numbers and booleans, a JSON Schema may be a
dict, times are anything that `Time` allows, and `adapter_metadata` is a dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from loraloop._times import to_timestamp
from loraloop.errors import InvalidArgumentError
from loraloop.export.v1.dataset_pb2 import DatasetSpec, FieldCondition, PartSource

_TIMESTAMP = "google.protobuf.Timestamp"
_JSON_TEXT = frozenset({"json_schema", "adapter_metadata_json"})
_CONDITION_VALUES = FieldCondition.DESCRIPTOR.fields_by_name["values"]


def to_spec(spec: Mapping[str, Any]) -> DatasetSpec:
    """Reads a spec. Refuses keys that it does not know and values of the wrong type, naming them."""
    message = DatasetSpec()
    try:
        json_format.ParseDict(_message(DatasetSpec.DESCRIPTOR, spec, ""), message)
    except json_format.ParseError as error:
        raise _invalid("", str(error)) from None
    return message


def from_spec(spec: DatasetSpec) -> dict[str, Any]:
    """The dict that gives this spec again."""
    fields = json_format.MessageToDict(spec, preserving_proto_field_name=True)
    if spec.adapter_metadata_json:
        fields["adapter_metadata"] = orjson.loads(fields.pop("adapter_metadata_json"))
    return fields


def _message(descriptor: Descriptor, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _invalid(path, f"is {value!r}; expected a dict")
    fields = {field.name.removesuffix("_json"): field for field in descriptor.fields}
    unknown = [key for key in value if key not in fields]
    if unknown:
        raise _invalid(_join(path, unknown[0]), f"is not a key of a dataset spec here; known: {', '.join(fields)}")
    return {fields[key].name: _field(fields[key], part, _join(path, key)) for key, part in value.items()}


def _field(field: FieldDescriptor, value: Any, path: str) -> Any:
    if field.name in _JSON_TEXT and isinstance(value, Mapping):
        return orjson.dumps(value).decode()
    if field is _CONDITION_VALUES and isinstance(value, (list, tuple)):
        return [item if isinstance(item, str) else orjson.dumps(item).decode() for item in value]
    kind = field.message_type
    if kind is None or value is None:
        return value
    if kind.GetOptions().map_entry:
        return _map(kind.fields_by_name["value"], value, path)
    if field.is_repeated:
        return [_message(kind, item, f"{path}[{index}]") for index, item in enumerate(value)]
    if kind.full_name == _TIMESTAMP:
        return _time(value, path)
    if kind is PartSource.DESCRIPTOR and isinstance(value, str):
        return {"field": value}
    return _message(kind, value, path)


def _map(field: FieldDescriptor, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _invalid(path, f"is {value!r}; expected a dict")
    return {key: _field(field, part, _join(path, key)) for key, part in value.items()}


def _time(value: Any, path: str) -> str:
    try:
        return to_timestamp(value).ToJsonString()
    except (ValueError, AttributeError) as error:
        raise _invalid(path, str(error)) from None


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _invalid(path: str, problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{path or 'The dataset spec'}: {problem}",
        code="INVALID_ARGUMENT",
        reason="DATASET_INVALID",
        metadata={"field": path, "problem": problem},
    )
