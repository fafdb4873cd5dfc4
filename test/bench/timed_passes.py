"""How a loop of Python over samples is timed, ours and those of the peers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

_PASSES = 3


def report(samples: Callable[[int], Iterable[Any]]) -> None:
    """Prints how many samples an epoch had and the seconds of each but the first, which warms up.

    `samples` is asked once for each epoch, before the clock starts: what it prepares is not counted.
    """
    seconds = []
    for epoch in range(_PASSES):
        loop = samples(epoch)
        count, _sample = 0, {}
        start = time.perf_counter()
        for _sample in loop:
            count += 1
        seconds.append(time.perf_counter() - start)
        if not isinstance(_sample["text"], str):
            raise TypeError(f"a sample's text is of type {type(_sample['text']).__name__}")
    print(json.dumps({"seconds": seconds[1:], "sample_count": count}), flush=True)
