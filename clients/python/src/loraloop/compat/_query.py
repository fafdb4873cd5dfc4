from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from loraloop.errors import ConfigurationError

_DEFAULT_PORT = 50051
_FORMATS = {
    "instruction_tuning": ("instruction", ("instruction", "input", "output")),
    "chat_completion": ("chat", ("system", "user", "assistant")),
    "text_completion": ("text", ("text",)),
}
_KEYS = frozenset(
    {"collection", "theme", "domain", "from_date", "to_date", "batch_size", "stream_mode", "format"}
    | {"field_mapping", "weighting", "quality", "include_metadata", "metadata_fields"}
)
_WEIGHTING_KEYS = frozenset(
    {"enable_weights", "weight_field", "default_weight", "auto_weight_by_length", "auto_weight_by_freshness"}
    | {"timestamp_field"}
)


def to_address(base_url: str) -> tuple[str, bool]:
    """Address and whether it is reached by TLS: `https://host`, `http://host:50051` or `host:50051`."""
    scheme, separator, rest = base_url.rpartition("://")
    if separator and scheme not in ("http", "https"):
        raise ConfigurationError(f"{base_url!r} is no address; write it like http://localhost:{_DEFAULT_PORT}")
    host = rest.rstrip("/")
    has_port = host.rpartition(":")[2].isdigit()
    return (host if has_port else f"{host}:{_DEFAULT_PORT}"), scheme == "https"


def to_dataset_spec(query: Mapping[str, Any]) -> dict[str, Any]:
    """The dataset that a query describes. Raises ConfigurationError, which names what is not understood."""
    _check_keys("query_params", query, _KEYS)
    if query.get("stream_mode", "continuous") != "continuous":
        raise ConfigurationError(f"stream_mode is {query['stream_mode']!r}; expected 'continuous'")
    collection = query.get("collection") or os.environ.get("LORALOOP_COLLECTION")
    if not collection:
        raise ConfigurationError("no collection: put it into query_params, or set LORALOOP_COLLECTION")
    weighting = query.get("weighting", {})
    _check_keys("query_params['weighting']", weighting, _WEIGHTING_KEYS)
    spec: dict[str, Any] = {"collection": collection, "selection": _to_selection(query), **_to_format(query)}
    if weighting.get("enable_weights", True):
        spec["weighting"] = _to_weighting(weighting)
    if "quality" in query:
        spec["quality"] = query["quality"]
    if query.get("include_metadata", True):
        spec["metadata_fields"] = query.get("metadata_fields", [])
    return spec


def _to_selection(query: Mapping[str, Any]) -> dict[str, Any]:
    conditions = [{"field": key, "values": _as_list(query[key])} for key in ("theme", "domain") if key in query]
    times = {name: query[key] for key, name in (("from_date", "start_time"), ("to_date", "end_time")) if key in query}
    if not times:
        return {"conditions": conditions}
    field = query.get("weighting", {}).get("timestamp_field", "")
    return {"conditions": conditions, "time_range": {"field": field, **times}}


def _to_format(query: Mapping[str, Any]) -> dict[str, Any]:
    name = query.get("format", "instruction_tuning")
    if name not in _FORMATS:
        raise ConfigurationError(f"format is {name!r}; expected one of {', '.join(_FORMATS)}")
    exporter, parts = _FORMATS[name]
    fields = query.get("field_mapping", {})
    _check_keys("query_params['field_mapping']", fields, frozenset(f"{part}_field" for part in parts))
    return {"format": exporter, "mapping": {key.removesuffix("_field"): field for key, field in fields.items()}}


def _to_weighting(weighting: Mapping[str, Any]) -> dict[str, Any]:
    """On by default, from the field `importance`, as the exporter's configuration."""
    kept: dict[str, Any] = {"weight_field": weighting.get("weight_field", "importance")}
    for key in ("default_weight", "auto_weight_by_length"):
        if key in weighting:
            kept[key] = weighting[key]
    if weighting.get("auto_weight_by_freshness"):
        kept["freshness"] = {"timestamp_field": weighting.get("timestamp_field", "")}
    return kept


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _check_keys(where: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise ConfigurationError(f"{where} has {', '.join(unknown)}; known: {', '.join(sorted(known))}")
