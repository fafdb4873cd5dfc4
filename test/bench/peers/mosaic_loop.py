"""A loop of dicts over MosaicML's `streaming.StreamingDataset` on local MDS shards.

Usage: `mosaic_loop.py write FILE FOLDER` makes them of a JSONL file, `mosaic_loop.py read FOLDER` times the loop.
`predownload` of the whole set is the fastest: by default the loop waits for shards that are there already.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from timed_passes import report

# Ready-made datasets, of which the package imports all: they need torchvision.
for _name in ("multimodal", "text", "vision"):
    sys.modules[f"streaming.{_name}"] = ModuleType(f"streaming.{_name}")

from streaming import MDSWriter, StreamingDataset  # noqa: E402


def write(file: str, folder: str) -> None:
    columns = {"text": "str", "weight": "float64"}
    with Path(file).open("rb") as lines, MDSWriter(out=folder, columns=columns) as writer:
        for line in lines:
            writer.write(json.loads(line))
    print("{}")


def read(folder: str) -> None:
    dataset = StreamingDataset(local=folder, batch_size=1, shuffle=False, num_canonical_nodes=1, predownload=10_000_000)

    def samples(_epoch: int) -> Iterable[dict[str, Any]]:
        return dataset

    report(samples)


{"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
