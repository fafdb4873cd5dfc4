"""The base model that an engine serves, as its name and its files say."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from loraloop._registry.base_model_folder import weights_digest
from loraloop._registry.hub_cache import kept_model
from loraloop._registry.values import BaseModel, BaseModelReference
from loraloop.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from loraloop._registry.registry import Registry


def served_base(registry: Registry, served: str, trained_on: BaseModelReference) -> BaseModel:
    """What the registry knows of the name or folder that an engine serves, for an adapter that was trained on a model.

    Which revision a folder holds, its weights tell: they are compared with the registered ones, once a process. Raises
    ConfigurationError where they are others, or nobody has registered the folder as the adapter's base model.
    """
    folder = Path(served)
    if not folder.is_dir():
        return registry.get_base_model(served)
    base = _kept_base(registry, folder) or _named_base(registry, folder, trained_on)
    if _weights_digest(folder) != base.weights_digest:
        raise ConfigurationError(f"the weights in {folder} are not those of {base.name}@{base.revision}")
    return base


def _kept_base(registry: Registry, folder: Path) -> BaseModel | None:
    """Of the Hub's cache, where its very commit is registered."""
    kept = kept_model(folder)
    if kept is not None:
        with contextlib.suppress(NotFoundError):
            return registry.get_base_model(*kept)
    return None


def _named_base(registry: Registry, folder: Path, trained_on: BaseModelReference) -> BaseModel:
    """The adapter's, where the folder, or the model that the Hub's client keeps there, is one of its names."""
    base = registry.get_base_model(trained_on.name, trained_on.revision)
    on_the_hub, _ = kept_model(folder) or ("", "")
    if not any(name == on_the_hub or _is_same(folder, name) for name in (base.name, *base.other_names)):
        raise ConfigurationError(
            f"the registry does not know {folder} as {base.name}@{base.revision}, which the adapter was trained on: "
            "where it is that, register it with this folder as one of its other_names"
        )
    return base


def _is_same(folder: Path, name: str) -> bool:
    """However it is written, and over links."""
    return Path(name).is_dir() and folder.samefile(name)


@cache
def _weights_digest(folder: Path) -> str:
    return weights_digest(folder)
