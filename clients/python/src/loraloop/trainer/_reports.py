from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from loraloop._runs import Run

#: Losses that wait on the training's device before they are told.
_PENDING = 4096


class LossReports:
    """Losses of single samples on their way to a run, in calls of many; nothing where there is no run.

    They are told after every checkpoint, at the end of an epoch, and when many wait. A checkpoint has those that waited
    then: a resume tells them, where they were told before too, which changes nothing.
    """

    def __init__(self, run: Run | None) -> None:
        self._run = run
        self._epoch = 0
        self._pending: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._count = 0

    def add(self, epoch: int, indices: torch.Tensor, losses: torch.Tensor) -> None:
        """Keeps them as they are: no step waits for the device."""
        if self._run is None:
            return
        self._epoch = epoch
        self._pending.append((indices, losses))
        self._count += len(indices)
        if self._count >= _PENDING:
            self.flush()

    def pending(self) -> dict[str, Any]:
        """Those that wait, as plain JSON that `tell` takes."""
        if not self._pending:
            return {"epoch": self._epoch, "indices": [], "losses": []}
        indices = torch.cat([indices for indices, _ in self._pending]).tolist()
        losses = torch.cat([losses for _, losses in self._pending]).float().tolist()
        return {"epoch": self._epoch, "indices": indices, "losses": losses}

    def flush(self) -> None:
        pending = self.pending()
        self._pending, self._count = [], 0
        self.tell(pending)

    def tell(self, pending: Mapping[str, Any]) -> None:
        if self._run is not None and pending["indices"]:
            self._run.report_losses(**pending)
