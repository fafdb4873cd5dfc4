"""What the Hugging Face Hub's client keeps on this machine."""

from __future__ import annotations

from pathlib import Path

_MODELS = "models--"


def kept_model(folder: Path) -> tuple[str, str] | None:
    """Name and commit of the model in a folder `…/models--<org>--<name>/snapshots/<commit>`, also by a link to it.

    None of any other folder. With HF_HUB_OFFLINE=1 vLLM calls a model by this folder instead of by its name.
    """
    for path in (folder.absolute(), folder.resolve()):
        kept = path.parent.parent.name
        if path.parent.name == "snapshots" and kept.startswith(_MODELS):
            return kept.removeprefix(_MODELS).replace("--", "/"), path.name
    return None
