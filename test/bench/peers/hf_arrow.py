"""A loop of dicts over `datasets.Dataset.to_iterable_dataset()` on a local Arrow folder.

Usage: `hf_arrow.py write FILE FOLDER` makes it of a JSONL file, `hf_arrow.py read FOLDER` times the loop.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import datasets
import pyarrow.json
from timed_passes import report


def write(file: str, folder: str) -> None:
    datasets.Dataset(pyarrow.json.read_json(file)).save_to_disk(folder)
    print("{}")


def read(folder: str) -> None:
    dataset = datasets.load_from_disk(folder).to_iterable_dataset()

    def samples(_epoch: int) -> Iterable[dict[str, Any]]:
        return dataset

    report(samples)


{"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
