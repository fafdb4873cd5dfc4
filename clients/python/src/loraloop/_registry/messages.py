"""Messages as dataclasses whose fields have the same names, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message

from loraloop._times import to_datetime, to_timestamp

Value = TypeVar("Value")
Sent = TypeVar("Sent", bound=Message)

_hints: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


def from_message(kind: type[Value], message: Message) -> Value:
    """What a message holds as a dataclass.

    A field that may be None is None where the message lacks it. Enumerations are names without their prefix.
    """
    by_name = message.DESCRIPTOR.fields_by_name
    return kind(**{name: _from_field(hint, message, by_name[name]) for name, hint in _hints(kind).items()})


def to_message(kind: type[Sent], value: Any) -> Sent:
    """A dataclass as a message. What is empty is left out, which is the same on the wire."""
    return kind(**_to_fields(kind.DESCRIPTOR, value))


def _from_field(hint: Any, message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    nested = field.message_type
    if nested is not None and nested.GetOptions().map_entry:
        return dict(value)
    if field.is_repeated:
        return tuple(value) if nested is None else tuple(from_message(get_args(hint)[0], entry) for entry in value)
    if nested is None:
        return value if field.enum_type is None else _enum_name(field.enum_type, value)
    if get_origin(hint) is not None:
        if not message.HasField(field.name):
            return None
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    return to_datetime(value) if hint is datetime else from_message(hint, value)


def _to_fields(descriptor: Any, value: Any) -> dict[str, Any]:
    contents = {name: getattr(value, name) for name in _hints(type(value))}
    by_name = descriptor.fields_by_name
    return {name: _to_field(by_name[name], content) for name, content in contents.items() if content}


def _to_field(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return _prefix(field.enum_type) + value
    if isinstance(value, datetime):
        return to_timestamp(value)
    if field.message_type is None or isinstance(value, Mapping):
        return value
    if field.is_repeated:
        return [_to_fields(field.message_type, entry) for entry in value]
    return _to_fields(field.message_type, value)


def _enum_name(enum: EnumDescriptor, number: int) -> str:
    """A value that is newer than this client keeps its number."""
    known = enum.values_by_number.get(number)
    return known.name.removeprefix(_prefix(enum)) if known is not None else str(number)


def _prefix(enum: EnumDescriptor) -> str:
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
