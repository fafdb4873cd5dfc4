"""What lies in the folder of a base model."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from loraloop._registry.digests import describe, files_digest
from loraloop._registry.values import ArtifactFile
from loraloop.errors import FileError

# As the format allows.
_LONGEST_HEADER = 100_000_000
_INDEX = "model.safetensors.index.json"
_QUANTISED = re.compile(r"\.(qweight|weight\.(absmax|quant_map|quant_state\..+))$")
_TOKENIZER_FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)


def read_configuration(folder: Path) -> str:
    """`config.json` as it is."""
    try:
        return (folder / "config.json").read_text("utf-8")
    except OSError as error:
        raise FileError(f"{folder} is no base model's folder: {error}") from error


def weights_digest(folder: Path) -> str:
    """By the rule of BaseModel: of the model's safetensors files. Links are followed, as in the Hub's cache.

    A file is read once in a process, while its size, time of change and inode stay.
    """
    return files_digest(_described(folder, file) for file in _model_files(folder))


def tokenizer_digest(folder: Path) -> str:
    """By the rule of BaseModel; empty where there is no tokenizer."""
    present = [folder / name for name in _TOKENIZER_FILES if (folder / name).is_file()]
    return files_digest(describe(folder, file) for file in present) if present else ""


def is_quantised(folder: Path) -> bool:
    """Whether its weights are no longer those of the model that it was made from, as its configuration says."""
    return "quantization_config" in json.loads(read_configuration(folder))


def tensor_shapes(folder: Path) -> dict[str, Sequence[int]]:
    """Shapes of all tensors of the model, by name; FileError where they are quantised."""
    shapes: dict[str, Sequence[int]] = {}
    for file in _model_files(folder):
        shapes |= {name: entry["shape"] for name, entry in _read_header(file).items()}
    quantised = next((name for name in shapes if _QUANTISED.search(name)), None)
    if quantised is not None:
        raise FileError(f"{folder} is quantised ({quantised}): register the model that it was made from")
    return shapes


def _described(folder: Path, file: Path) -> ArtifactFile:
    status = file.stat()
    return _describe_once(folder, file, status.st_size, status.st_mtime_ns, status.st_ino)


@cache
def _describe_once(folder: Path, file: Path, _size: int, _modified: int, _inode: int) -> ArtifactFile:
    return describe(folder, file)


def _weights(folder: Path) -> Sequence[Path]:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise FileError(f"{folder} holds no *.safetensors: save the model's weights as such")
    return weights


def _model_files(folder: Path) -> Sequence[Path]:
    """Those that the index names, where there is one: others hold the same weights in another format."""
    if (folder / _INDEX).is_file():
        index = json.loads((folder / _INDEX).read_text("utf-8"))
        return [folder / name for name in sorted(set(index["weight_map"].values()))]
    single = folder / "model.safetensors"
    return [single] if single.is_file() else _weights(folder)


def _read_header(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        start = opened.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _LONGEST_HEADER + 1
        if length > _LONGEST_HEADER:
            raise FileError(f"{file} is no safetensors file, or is cut off")
        try:
            header = json.loads(opened.read(length))
        except ValueError as error:
            raise FileError(f"{file} is no safetensors file: {error}") from error
    return {name: entry for name, entry in header.items() if name != "__metadata__"}
