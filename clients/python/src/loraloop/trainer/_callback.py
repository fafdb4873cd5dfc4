# ruff: noqa: ARG002 (the arguments of every event)
from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from loraloop._ranks import gather_from_all_ranks, wait_for_all_ranks
from loraloop._runs import Run
from loraloop._state import StreamState, merge_states
from loraloop.errors import ConfigurationError
from loraloop.torch import StreamingDataLoader
from loraloop.trainer._positions import UNFINISHED, Position, saved_position
from loraloop.trainer._reports import LossReports


class StreamingCallback(TrainerCallback, ExportableState):
    """Keeps the position of the stream in the state that the trainer saves, and goes on there on a resume.

    `StreamingTrainerMixin` adds one. Nothing that was consumed is read again. With a run, it also tells the run what a
    saved checkpoint has consumed, what is logged, and the losses of single samples, and closes the run's epochs.
    """

    def __init__(self) -> None:
        #: That of the last checkpoint, as plain JSON.
        self.position: dict[str, Any] | None = None
        #: Whole steps, and where the loader was after them: batches that were taken for the next one are not consumed.
        self._steps = 0
        self._consumed: StreamState | None = None
        #: Global batches of the resumed epoch that were consumed before.
        self.resumed_batches = 0
        self.losses = LossReports(None)
        self._run: Run | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        loader = _loader(objects)
        self.resumed_batches = 0
        self._steps, self._consumed = state.global_step, loader.dataset.start
        self._run = loader.dataset.run
        self.losses = LossReports(self._run)
        if state.global_step:
            self._resume(_position(state), loader)

    def begin_checkpoint(self, loader: StreamingDataLoader, step: int) -> None:
        """On all ranks, before the trainer saves after so many steps, which may be in the middle of the next one.

        Raises ResumeOtherRankError where they are not at one place.
        """
        self._end_step(loader, step)
        consumed = self._consumed or {**loader.state_dict(), "next_index": 0}
        ranks = gather_from_all_ranks({"stream": consumed, "losses": self.losses.pending()})
        stream = merge_states([rank["stream"] for rank in ranks])
        self.position = asdict(Position(stream, [rank["losses"] for rank in ranks]))

    def complete_checkpoint(self, folder: Path) -> None:
        """On all ranks, when each has saved its part of that checkpoint but for the trainer's state."""
        assert self.position is not None
        wait_for_all_ranks()
        self.position["files"] = sorted(file.name for file in folder.iterdir() if file.name != UNFINISHED)

    def state(self) -> dict[str, Any]:
        """For the trainer's state."""
        return {"args": {}, "attributes": {"position": self.position}}

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        # The trainer's own count begins at the resume.
        loader = _loader(objects)
        self._end_step(loader, state.global_step)
        state.epoch = loader.dataset.epoch + _consumed_batches(loader) / len(loader)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any) -> None:
        self.losses.flush()
        if self._run is not None and args.process_index == 0:
            stream = _loader(objects).state_dict()
            self._run.report_progress(epoch=stream["epoch"], next_index=stream["next_index"], step=state.global_step)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any) -> None:
        if self._run is not None and args.process_index == 0:
            finite = {name: value for name, value in objects["logs"].items() if math.isfinite(value)}
            self._run.report_progress(step=state.global_step, metrics=finite)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        loader = _loader(objects)
        self.losses.flush()
        if _consumed_batches(loader) == len(loader):
            _close_epoch(loader, loader.dataset.epoch)

    def _end_step(self, loader: StreamingDataLoader, step: int) -> None:
        if step != self._steps:
            self._steps, self._consumed = step, loader.state_dict()

    def _resume(self, position: Position, loader: StreamingDataLoader) -> None:
        loader.load_state_dict(position.stream)
        self._consumed = dict(position.stream)
        if loader.dataset.rank == 0:
            for losses in position.losses:
                self.losses.tell(losses)
        self.resumed_batches = _consumed_batches(loader)
        if self.resumed_batches == len(loader):
            # The trainer begins the next epoch.
            self.resumed_batches = 0
            _close_epoch(loader, position.stream["epoch"])


def _loader(objects: dict[str, Any]) -> StreamingDataLoader:
    loader = objects["train_dataloader"]
    if not isinstance(loader, StreamingDataLoader):
        raise ConfigurationError(
            f"the trainer reads from a {type(loader).__name__}, whose position is not known: "
            "put StreamingTrainerMixin before the trainer's class"
        )
    return loader


def _consumed_batches(loader: StreamingDataLoader) -> int:
    return math.ceil(int(loader.state_dict()["next_index"]) / loader.dataset.global_batch_size)


def _position(state: TrainerState) -> Position:
    # What was read from a file has states in the place of callbacks.
    position = saved_position(cast("dict[str, Any]", state.stateful_callbacks))
    if position is None:
        raise ConfigurationError(
            f"the checkpoint of step {state.global_step} has no position of the stream: nothing would be left out on "
            "this resume"
        )
    return position


def _close_epoch(loader: StreamingDataLoader, epoch: int) -> None:
    """Once all ranks have told their losses; the next epoch's plan exists when this returns."""
    run = loader.dataset.run
    if run is None:
        return
    wait_for_all_ranks()
    if loader.dataset.rank == 0:
        run.close_epoch(epoch)
    wait_for_all_ranks()
