from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class AcceleratePass:
    """What Accelerate asks of a loader whose pass goes on."""

    #: Whether the pass has given out its last batch: `accelerator.accumulate` then ends a step.
    end_of_dataloader = False
    #: No sample comes twice to fill the last batch.
    remainder = 0


@contextmanager
def begin_accelerate_pass() -> Iterator[AcceleratePass]:
    """Accelerate knows it until the block ends, where this process has an Accelerator."""
    begun = AcceleratePass()
    state = sys.modules.get("accelerate.state")
    if state is None or not state.GradientState._shared_state:
        yield begun
        return
    gradients = state.GradientState()
    gradients._add_dataloader(begun)
    try:
        yield begun
    finally:
        gradients._remove_dataloader(begun)
