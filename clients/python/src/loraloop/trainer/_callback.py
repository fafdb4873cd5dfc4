# ruff: noqa: ARG002 (the arguments of every event)
from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from loraloop._runs import Run
from loraloop.errors import ConfigurationError
from loraloop.torch import StreamingDataLoader
from loraloop.trainer._positions import Position, read_position, write_position
from loraloop.trainer._reports import LossReports


class StreamingCallback(TrainerCallback):
    """Keeps the position of the stream in each checkpoint, one file a rank, and goes on there on a resume.

    `StreamingTrainerMixin` adds one. Nothing that was consumed is read again. With a run, it also tells the run what a
    saved checkpoint has consumed, what is logged, and the losses of single samples, and closes the run's epochs.
    """

    def __init__(self) -> None:
        #: The checkpoint that the next training resumes from.
        self.checkpoint: str | None = None
        #: Global batches of the resumed epoch that were consumed before.
        self.resumed_batches = 0
        self.losses = LossReports(None)
        self._run: Run | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        loader = _loader(objects)
        self.resumed_batches = 0
        self._run = loader.dataset.run
        self.losses = LossReports(self._run)
        if state.global_step:
            folder = Path(self.checkpoint) if self.checkpoint else _folder(args, state)
            self._resume(read_position(folder, state.global_step), loader)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        # The trainer's own count begins at the resume.
        loader = _loader(objects)
        state.epoch = loader.dataset.epoch + _consumed_batches(loader) / len(loader)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any) -> None:
        loader = _loader(objects)
        self.losses.flush()
        stream = loader.state_dict()
        write_position(_folder(args, state), args.process_index, Position(state.global_step, stream))
        if self._run is not None and args.process_index == 0:
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

    def _resume(self, position: Position, loader: StreamingDataLoader) -> None:
        loader.load_state_dict(position.stream)
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


def _folder(args: TrainingArguments, state: TrainerState) -> Path:
    assert args.output_dir is not None
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _close_epoch(loader: StreamingDataLoader, epoch: int) -> None:
    """Once all ranks have told their losses; the next epoch's plan exists when this returns."""
    run = loader.dataset.run
    if run is None:
        return
    _wait_for_all_ranks()
    if loader.dataset.rank == 0:
        run.close_epoch(epoch)
    _wait_for_all_ranks()


def _wait_for_all_ranks() -> None:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
