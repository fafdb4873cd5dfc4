"""A loop of dicts over our `StreamingDataset` with a block cache on disk, which the first pass fills.

Usage: `cached.py ADDRESS TOKEN SNAPSHOT FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from timed_passes import report

from loraloop import BlockCache, Client
from loraloop.torch import StreamingDataset

address, token, snapshot, folder = sys.argv[1:]


def samples(epoch: int) -> Iterable[dict[str, Any]]:
    dataset.set_epoch(epoch)
    return dataset


with Client(address, token) as client:
    dataset = StreamingDataset(snapshot=snapshot, client=client, cache=BlockCache(folder))
    report(samples)
