"""A loop of dicts over `datasets.load_dataset("json", streaming=True)`.

Usage: `hf_json.py read FILE` times the loop.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from datasets import load_dataset
from timed_passes import report


def samples(_epoch: int) -> Iterable[dict[str, Any]]:
    return load_dataset("json", data_files=sys.argv[2], split="train", streaming=True)


report(samples)
