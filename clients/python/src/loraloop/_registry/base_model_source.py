from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from loraloop._registry.base_model_folder import read_configuration, tensor_shapes, tokenizer_digest, weights_digest
from loraloop._registry.hub_cache import kept_model
from loraloop._registry.layers import layers_from, layers_of
from loraloop._registry.values import BaseModel
from loraloop._registry.vocabulary import vocabulary_digest
from loraloop.errors import FileError

#: A folder with `config.json` and safetensors files, or a model of transformers (also one that PEFT has changed).
ModelSource: TypeAlias = "str | os.PathLike[str] | Any"

_WIDTHS = ("hidden_size", "n_embd", "d_model")


def base_model_from(
    source: ModelSource,
    *,
    name: str = "",
    revision: str = "",
    folder: str | os.PathLike[str] | None = None,
    other_names: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> BaseModel:
    """Describes a base model as the registry keeps it: layers, and digests of weights, tokenizer and vocabulary.

    Of a model, the layers are those of its modules, and `folder` is where it was loaded from: by default what it says
    itself, looked up among the models that the Hugging Face Hub has left on this machine. Of a folder, they are read
    from the headers of its safetensors files. `name` is by default the model's name on the Hub, else that of the
    folder; `revision` the commit that was loaded, else `main`. A folder of the Hub's cache has by default the name and
    the commit of its model. A folder is one of the `other_names`, since adapters that were trained with it say so.
    Reads all weights once. Raises FileError where something is missing.
    """
    if isinstance(source, (str, os.PathLike)):
        model, where, named = None, Path(source), str(source)
    else:
        model = source.get_base_model() if hasattr(source, "get_base_model") else source
        named = str(model.config._name_or_path)
        revision = revision or getattr(model.config, "_commit_hash", None) or ""
        where = _folder_of(named, revision) if folder is None else Path(folder)
    text = read_configuration(where)
    configuration = json.loads(text)
    vocabulary_size = _first(configuration, ("vocab_size",))
    own_name, commit = (name, "") if name else _name_of(named, where)
    return BaseModel(
        name=own_name,
        revision=revision or commit,
        weights_digest=weights_digest(where),
        tokenizer_digest=tokenizer_digest(where),
        vocabulary_digest=vocabulary_digest(where),
        architecture=str((configuration.get("architectures") or [""])[0]),
        model_type=str(configuration.get("model_type", "")),
        hidden_size=_first(configuration, _WIDTHS),
        vocabulary_size=vocabulary_size,
        layers=layers_of(model)
        if model is not None
        else layers_from(tensor_shapes(where), configuration, vocabulary_size),
        other_names=sorted({*other_names, named} - {own_name, ""}),
        configuration_json=text,
        metadata=metadata or {},
    )


def find_folder(named: str, revision: str) -> Path | None:
    """Where a model was loaded from: a folder, or what the Hub's client has kept; None where that is not here."""
    if Path(named).is_dir():
        return Path(named)
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        return Path(snapshot_download(named, revision=revision or None, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def _folder_of(named: str, revision: str) -> Path:
    if not named:
        raise FileError("the model was not loaded from anywhere: save it, and give its folder=")
    found = find_folder(named, revision)
    if found is None:
        raise FileError(f"{named} is not on this machine: give its folder=")
    return found


def _name_of(named: str, where: Path) -> tuple[str, str]:
    """Name, and the commit where the folder says it."""
    if named and not Path(named).is_dir():
        return named, ""
    return kept_model(where) or (where.resolve().name, "")


def _first(configuration: Mapping[str, Any], keys: Sequence[str]) -> int:
    """Models of several kinds of input keep what is about text in a part of its own."""
    text = {**(configuration.get("text_config") or {}), **configuration}
    return next((int(text[key]) for key in keys if isinstance(text.get(key), int)), 0)
