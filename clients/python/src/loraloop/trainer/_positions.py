from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from loraloop.errors import ConfigurationError

#: What transformers writes last into a checkpoint, before it removes older ones.
TRAINER_STATE = "trainer_state.json"
#: What transformers keeps in a checkpoint that a signal has asked for, until it is whole.
UNFINISHED = "checkpoint-is-incomplete.txt"
#: The name of the callback in it.
_CALLBACK = "StreamingCallback"
_CHECKPOINT = re.compile(rf"{PREFIX_CHECKPOINT_DIR}-(\d+)")


@dataclass(frozen=True)
class Position:
    """Where a training was when it saved a checkpoint; plain JSON in the trainer's state."""

    #: The loader's state, equal on all ranks.
    stream: Mapping[str, Any]
    #: Of each rank, the losses that had not been told to the run.
    losses: list[dict[str, Any]]
    #: What the checkpoint held once every rank had saved its random numbers.
    files: list[str] = field(default_factory=list)


def saved_position(callbacks: Mapping[str, Any]) -> Position | None:
    """From the states of callbacks in the trainer's state."""
    saved = callbacks.get(_CALLBACK, {}).get("attributes", {}).get("position")
    return Position(**saved) if saved is not None else None


def newest_checkpoint(folder: str) -> str | None:
    """The newest that is whole. Raises ConfigurationError where there are checkpoints and none is."""
    found = sorted((path for path in Path(folder).glob("*") if _step(path) >= 0), key=_step, reverse=True)
    newest = next((checkpoint for checkpoint in found if _is_whole(checkpoint)), None)
    if found and newest is None:
        raise ConfigurationError(
            f"no checkpoint in {folder} was saved whole, with a position of the stream "
            f"({', '.join(checkpoint.name for checkpoint in found)}): remove them to begin anew"
        )
    return str(newest) if newest is not None else None


def _step(path: Path) -> int:
    """-1 where it is no checkpoint."""
    match = _CHECKPOINT.fullmatch(path.name)
    return int(match[1]) if match is not None and path.is_dir() else -1


def _is_whole(checkpoint: Path) -> bool:
    try:
        state = json.loads((checkpoint / TRAINER_STATE).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    position = saved_position(state.get("stateful_callbacks", {}))
    if position is None or (checkpoint / UNFINISHED).exists():
        return False
    return all((checkpoint / name).exists() for name in position.files)
