from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loraloop.errors import ConfigurationError

_FORMAT = 1


@dataclass(frozen=True)
class Position:
    """Where a training was when it saved a checkpoint."""

    #: Optimizer steps, as the trainer counts them.
    step: int
    #: The loader's state.
    stream: Mapping[str, Any]


def write_position(folder: Path, rank: int, position: Position) -> None:
    """Becomes `loraloop-rank-<rank>.json`, or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    file = _file(folder, rank)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps({"format": _FORMAT, **asdict(position)}))
    partial.replace(file)


def read_position(folder: Path, step: int) -> Position:
    """Any rank's. Raises ConfigurationError where there is none, one is of another step, or two differ."""
    files = sorted(folder.glob("loraloop-rank-*.json"))
    if not files:
        raise ConfigurationError(f"{folder} has no position of the stream: nothing would be left out on this resume")
    positions = [_read(file) for file in files]
    for file, position in zip(files, positions, strict=True):
        _check(file, "step", step, position.step)
        _check(file, "stream", positions[0].stream, position.stream)
    return positions[0]


def newest_checkpoint(folder: str) -> str | None:
    """The newest that has a position, which is written last."""
    whole = {file.parent for file in Path(folder).glob("checkpoint-*/loraloop-rank-*.json")}
    newest = max(whole, key=lambda checkpoint: int(checkpoint.name.partition("-")[2]), default=None)
    return str(newest) if newest is not None else None


def _read(file: Path) -> Position:
    saved = json.loads(file.read_text())
    _check(file, "format", _FORMAT, saved.pop("format", None))
    return Position(**saved)


def _check(file: Path, name: str, expected: Any, actual: Any) -> None:
    if expected != actual:
        raise ConfigurationError(f"{file}: {name} is {actual!r}, expected {expected!r}")


def _file(folder: Path, rank: int) -> Path:
    return folder / f"loraloop-rank-{rank}.json"
