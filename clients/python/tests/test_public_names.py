from __future__ import annotations

import inspect
import types

import loraloop
from loraloop import errors


def test_all_is_sorted_and_holds_every_public_name() -> None:
    public = {
        name
        for name, value in vars(loraloop).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert loraloop.__all__ == sorted(public)


def test_errors_are_all_exported_and_drawn_in_the_tree() -> None:
    kinds = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.LoraloopError)
    }
    assert kinds <= set(loraloop.__all__)
    assert all(name in str(errors.__doc__) for name in kinds)
