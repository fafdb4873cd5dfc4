"""The base model that an adapter was trained on, as its files say."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from loraloop._connection import Connection
from loraloop._registry.base_model_folder import is_quantised, tokenizer_digest, weights_digest
from loraloop._registry.base_model_source import find_folder
from loraloop._registry.hub_cache import kept_model
from loraloop.errors import FileError, NotFoundError
from loraloop.registry.v1 import base_model_service_pb2 as pb


def trained_base(connection: Connection, source: Any, adapter: Path) -> pb.BaseModelReference:
    """Digests of the files that the base model was loaded from, for the registry to compare.

    `source` is a model of PEFT, or else all that is known is in the adapter's folder. Empty where the base model's
    files are not on this machine, hold no safetensors or are a quantised copy; without the tokenizer where none was
    registered, and of what the Hub's client keeps: there lie only those of its files that somebody has asked for.
    """
    name, revision = _named_by(adapter)
    loaded, commit = _loaded_from(source)
    # A model knows it better than its adapter, which may have been trained elsewhere before.
    folder = _find_loaded(loaded, commit) if loaded else _find_named(name, revision)
    if folder is None or _is_copy(folder):
        return pb.BaseModelReference()
    registered = _find_registered(connection, name, revision)
    if registered is None:
        return pb.BaseModelReference()
    with contextlib.suppress(FileError, OSError, ValueError):
        return pb.BaseModelReference(
            weights_digest=weights_digest(folder),
            tokenizer_digest="" if kept_model(folder) or not registered.tokenizer_digest else tokenizer_digest(folder),
        )
    return pb.BaseModelReference()


def _named_by(adapter: Path) -> tuple[str, str]:
    """Name and revision; empty where there are none, or the registry will say what is wrong with them."""
    try:
        configuration = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return "", ""
    known = configuration if isinstance(configuration, dict) else {}
    name, revision = known.get("base_model_name_or_path"), known.get("revision")
    return name if isinstance(name, str) else "", revision if isinstance(revision, str) else ""


def _loaded_from(source: Any) -> tuple[str, str]:
    """Name or folder, and commit where it is known, as transformers keeps them of a model; else empty."""
    base = getattr(source.get_base_model(), "config", None) if hasattr(source, "get_base_model") else None
    return str(getattr(base, "_name_or_path", "")), getattr(base, "_commit_hash", None) or ""


def _find_loaded(name: str, commit: str) -> Path | None:
    """Of several commits that the Hub's client keeps, any may have been loaded."""
    folder = find_folder(name, commit)
    is_certain = folder is not None and (commit or Path(name).is_dir() or len(list(folder.parent.iterdir())) == 1)
    return folder if is_certain else None


def _find_named(name: str, revision: str) -> Path | None:
    """What a name on the Hub stands for may have changed since."""
    return find_folder(name, revision) if name and (revision or Path(name).is_dir()) else None


def _is_copy(folder: Path) -> bool:
    """Whether nothing can be said of the weights that they were made from."""
    try:
        return is_quantised(folder)
    except (FileError, ValueError):
        return True


def _find_registered(connection: Connection, name: str, revision: str) -> pb.BaseModel | None:
    """None where the registry will say that it knows none."""
    request = pb.GetBaseModelRequest(name=name, revision=revision)
    with contextlib.suppress(NotFoundError):
        return connection.call(
            lambda opened: opened.base_models.GetBaseModel, request, timeout=connection.patience
        ).base_model
    return None
