"""Digests of files and folders, by the rules of `loraloop.registry.v1`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loraloop._registry.values import ArtifactFile
from loraloop.errors import FileError

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How a file differs from the one that was registered; a digest is empty where there is no file.

    `problem` is `missing`, `changed` or `unexpected`.
    """

    path: str
    problem: str
    expected: str
    actual: str


def files_in(folder: Path) -> list[ArtifactFile]:
    """Every file below a folder with its digest, in order of the paths' bytes; FileError for links and devices."""
    return sorted((describe(folder, path) for path in _walk(folder)), key=_path_bytes)


def files_digest(files: Iterable[ArtifactFile]) -> str:
    """SHA-256 over the lines `<digest>  <path>` in order of the paths' bytes, as `sha256sum` writes them."""
    lines = [f"{file.digest}  {file.path}\n" for file in sorted(files, key=_path_bytes)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def compare_files(expected: Iterable[ArtifactFile], actual: Iterable[ArtifactFile]) -> Sequence[FileDifference]:
    """How files differ from those that were registered, by path; empty where they are the same."""
    registered = {file.path: file.digest for file in expected}
    found = {file.path: file.digest for file in actual}
    return [
        FileDifference(path, _problem(path, registered, found), registered.get(path, ""), found.get(path, ""))
        for path in sorted(registered.keys() | found.keys())
        if registered.get(path) != found.get(path)
    ]


def describe(folder: Path, path: Path) -> ArtifactFile:
    """A file below a folder, by what the registry knows it."""
    digest, byte_count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            byte_count += len(piece)
    return ArtifactFile(path.relative_to(folder).as_posix(), byte_count, digest.hexdigest())


def _problem(path: str, registered: dict[str, str], found: dict[str, str]) -> str:
    if path not in found:
        return "missing"
    return "changed" if path in registered else "unexpected"


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found.extend(_walk(Path(entry.path)))
            elif entry.is_file(follow_symlinks=False):
                found.append(Path(entry.path))
            else:
                raise FileError(f"{entry.path} is no plain file: put a copy in its place")
    return found


def _path_bytes(file: ArtifactFile) -> bytes:
    return file.path.encode()
