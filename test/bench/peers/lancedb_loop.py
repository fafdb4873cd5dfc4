"""A loop of dicts over `lancedb.streaming.StreamingDataset` on a local table.

Usage: `lancedb_loop.py write FILE FOLDER` makes it of a JSONL file, `lancedb_loop.py read FOLDER ordered|shuffled`
times the loop. Reads of 512 rows are the fastest. The shuffle is one of single rows: clumps are faster, but stay
together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import lancedb
import pyarrow.json
from lancedb.streaming import StreamingDataset
from timed_passes import report

_READ_BATCH_SIZE = 512


def write(file: str, folder: str) -> None:
    lancedb.connect(folder).create_table("samples", pyarrow.json.read_json(file))
    print("{}")


def read(folder: str, order: str) -> None:
    table = lancedb.connect(folder).open_table("samples")

    def samples(epoch: int) -> Iterable[dict[str, Any]]:
        shuffle = order == "shuffled"
        return StreamingDataset(table, shuffle=shuffle, epoch=epoch, read_batch_size=_READ_BATCH_SIZE)

    report(samples)


{"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
