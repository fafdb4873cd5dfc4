"""A loop of dicts over our Python client.

Usage: `dicts.py ADDRESS TOKEN SNAPSHOT ordered|shuffled`. Each pass is a call; a shuffled one is an epoch of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from timed_passes import report

from loraloop import Client, Plan

address, token, snapshot, order = sys.argv[1:]


def samples(epoch: int) -> Iterable[dict[str, Any]]:
    plan = Plan(epoch=epoch, shuffle=True) if order == "shuffled" else None
    return client.stream(snapshot=snapshot, plan=plan)


with Client(address, token) as client:
    report(samples)
