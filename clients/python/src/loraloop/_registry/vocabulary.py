"""The vocabulary of a tokenizer, by which a base model's is compared with an adapter's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_IDS = range(2**32)


def vocabulary_digest(folder: Path) -> str:
    """By the rule of BaseModel; empty where there is no `tokenizer.json`, or none with a vocabulary."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return ""
    digest = hashlib.sha256()
    try:
        tokenizer = json.loads(file.read_text("utf-8"), parse_constant=_no_json)
        for number, token in _tokens_by_id(tokenizer["model"]["vocab"]):
            content = token.encode("utf-8")
            digest.update(b"%d %d %s\n" % (number, len(content), content))
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return digest.hexdigest()


def _no_json(constant: str) -> None:
    """NaN and infinities, which only Python takes."""
    raise ValueError(constant)


def _tokens_by_id(vocabulary: Any) -> Sequence[tuple[int, str]]:
    """ValueError for what is no vocabulary."""
    if isinstance(vocabulary, Mapping):
        return _sorted_tokens(vocabulary)
    if isinstance(vocabulary, list) and all(_is_scored(pair) for pair in vocabulary):
        return [(place, token) for place, (token, _) in enumerate(vocabulary)]
    raise ValueError("no vocabulary")


def _sorted_tokens(ids: Mapping[str, Any]) -> Sequence[tuple[int, str]]:
    if not all(type(number) is int and number in _IDS for number in ids.values()):
        raise ValueError("an id is no whole number, or too large")
    if len(set(ids.values())) < len(ids):
        raise ValueError("an id comes twice")
    return sorted((number, token) for token, number in ids.items())


def _is_scored(pair: Any) -> bool:
    """Whether it is a token with its score."""
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) in (int, float)
