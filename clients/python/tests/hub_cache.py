"""What the Hugging Face Hub's client would keep of a model."""

from __future__ import annotations

from pathlib import Path

COMMIT = "0123456789" * 4


def kept_folder(cache: Path, name: str, commit: str = COMMIT) -> Path:
    """The folder of a commit in a cache, empty; `main` is this commit."""
    model = cache / f"models--{name.replace('/', '--')}"
    snapshot = model / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir(exist_ok=True)
    (model / "refs" / "main").write_text(commit)
    return snapshot
