from __future__ import annotations

import torch

from loraloop._runs import Run

#: Losses that wait on the training's device before they are told.
_PENDING = 4096


class LossReports:
    """Losses of single samples on their way to a run, in calls of many; nothing where there is no run.

    They are told at every checkpoint, at the end of an epoch, and when many wait. After a resume the same ones are told
    again, which changes nothing.
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

    def flush(self) -> None:
        pending, self._pending, self._count = self._pending, [], 0
        if self._run is None or not pending:
            return
        indices = torch.cat([indices for indices, _ in pending]).tolist()
        losses = torch.cat([losses for _, losses in pending]).float().tolist()
        self._run.report_losses(self._epoch, indices, losses)
