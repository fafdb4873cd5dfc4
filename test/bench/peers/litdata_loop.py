"""A loop of dicts over `litdata.StreamingDataset` on local chunks of 64 MB.

Usage: `litdata_loop.py write FILE FOLDER` makes them of a JSONL file, `litdata_loop.py read FOLDER` times the loop.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from litdata import StreamingDataset, optimize
from timed_passes import report


def _samples(file: str) -> Iterator[dict[str, Any]]:
    with Path(file).open("rb") as lines:
        yield from map(json.loads, lines)


def write(file: str, folder: str) -> None:
    optimize(_samples, inputs=[file], output_dir=folder, chunk_bytes="64MB", num_workers=1)
    print("{}")


def read(folder: str) -> None:
    dataset = StreamingDataset(folder, shuffle=False)

    def samples(_epoch: int) -> Iterable[dict[str, Any]]:
        return dataset

    report(samples)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
