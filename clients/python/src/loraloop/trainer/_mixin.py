from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from loraloop.errors import ConfigurationError
from loraloop.torch import StreamingDataLoader, StreamingDataset
from loraloop.trainer._batches import INDEX, WEIGHT, Features, TaggingCollator
from loraloop.trainer._callback import StreamingCallback
from loraloop.trainer._evaluation import EvaluationLoader
from loraloop.trainer._losses import TrainerLoss, loss_of
from loraloop.trainer._positions import TRAINER_STATE, newest_checkpoint

if TYPE_CHECKING:
    from transformers import Trainer as _Trainer
else:
    _Trainer = object


class StreamingTrainerMixin(_Trainer):
    """Lets `transformers.Trainer`, TRL's `SFTTrainer` or `DPOTrainer` train on a `StreamingDataset`.

    `class MyTrainer(StreamingTrainerMixin, Trainer)`, with `train_dataset=StreamingDataset(…)` given by name: each rank
    reads its own share and nothing is sharded twice; TRL's own preparation (chat template, tokens, labels) runs sample
    by sample; a checkpoint keeps the stream's position, and a resume reads nothing that was consumed. The dataset's
    global batch must be `per_device_train_batch_size` times the number of ranks.

    A `StreamingDataset` as `eval_dataset`, one of a dict, or given to `evaluate`, is read from its first sample at
    every evaluation, each sample once over all ranks, and moves no position. Weights do not act there.

    Weights act inside the loss: Σ w·l / Σ w over all tokens (with DPO: pairs) of a step, of all ranks and accumulated
    batches. Losses of single samples go to the dataset's run, from the same forward pass. Where a trainer's loss leaves
    no place for both, training goes on as long as all weights are 1. With other datasets the mix-in does nothing.
    """

    def __init__(self, *args: Any, train_dataset: Any = None, eval_dataset: Any = None, **options: Any) -> None:
        self._streaming = train_dataset if isinstance(train_dataset, StreamingDataset) else None
        if self._streaming is not None and hasattr(self, "_prepare_dataset"):
            from loraloop.trainer._prepared import PreparedDataset

            train_dataset = PreparedDataset(self._streaming)
        options |= {"train_dataset": train_dataset, "eval_dataset": self._to_evaluate(eval_dataset)}
        super().__init__(*args, **options)
        if self._streaming is None:
            return
        # The trainer would read again and throw away what was consumed.
        self.args.ignore_data_skip = True
        self.add_callback(StreamingCallback())
        self._loss: TrainerLoss = loss_of(self, super().compute_loss)
        if self._streaming.run is not None and self._loss.obstacle:
            warnings.warn(f"losses of samples cannot be told with {self._loss.obstacle}", UserWarning, stacklevel=2)

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **options: Any) -> Any:
        """As the trainer's own; True means the newest checkpoint that is whole, or the beginning where there is none.

        Raises ConfigurationError where there are checkpoints, and none is whole.
        """
        if self._streaming is not None and resume_from_checkpoint is True:
            resume_from_checkpoint = newest_checkpoint(str(self.args.output_dir))
        return super().train(resume_from_checkpoint, *args, **options)

    def get_train_dataloader(self) -> Any:
        dataset = self._streaming
        if dataset is None:
            return super().get_train_dataloader()
        self._check(dataset)
        # Ids go past the transforms, which may drop them.
        source = copy.copy(dataset)
        source.with_ids, source.transform = True, None
        features = Features(dataset.transform, getattr(self.train_dataset, "preparation", None))
        collate = self._get_collator_with_removed_columns(self.data_collator, description="training")
        return StreamingDataLoader(
            source,
            num_workers=self.args.dataloader_num_workers,
            collate_fn=TaggingCollator(collate, features),
            prefetch_factor=self.args.dataloader_prefetch_factor,
            multiprocessing_context=self.args.dataloader_multiprocessing_context,
            persistent_workers=self.args.dataloader_persistent_workers,
            pin_memory=self.args.dataloader_pin_memory and torch.accelerator.is_available(),
        )

    def evaluate(self, eval_dataset: Any = None, *args: Any, **options: Any) -> dict[str, float]:
        return super().evaluate(self._to_evaluate(eval_dataset), *args, **options)

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        batches, num_items = super().get_batch_samples(epoch_iterator, num_batches, device)
        if self._streaming is not None and batches:
            self._scale_weights(batches)
        return batches, num_items

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        own = super().compute_loss
        weights, indices = inputs.pop(WEIGHT, None), inputs.pop(INDEX, None)
        if weights is None:
            return own(model, inputs, return_outputs, num_items_in_batch)
        outputs = None

        def call() -> Any:
            nonlocal outputs
            result: Any = own(model, inputs, return_outputs, num_items_in_batch)
            loss, outputs = result if return_outputs else (result, None)
            return loss

        loss, of_samples = self._loss.compute(call, inputs, weights)
        if of_samples is not None and self._streaming is not None:
            self._position.losses.add(self._streaming.epoch, indices, of_samples)
        return (loss, outputs) if return_outputs else loss

    def _get_dataloader(self, dataset: Any, description: str, batch_size: int, **options: Any) -> Any:  # type: ignore[override]
        """Of evaluations and predictions."""
        source = getattr(dataset, "source", dataset)
        if not isinstance(source, StreamingDataset):
            return super()._get_dataloader(dataset, description, batch_size, **options)
        return EvaluationLoader(
            source,
            Features(source.transform, getattr(dataset, "preparation", None)),
            self._get_collator_with_removed_columns(self.data_collator, description=description),
            batch_size,
            num_workers=self.args.dataloader_num_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
            multiprocessing_context=self.args.dataloader_multiprocessing_context,
        )

    def _to_evaluate(self, dataset: Any) -> Any:
        """As TRL's preparation takes it."""
        if isinstance(dataset, dict):
            return {name: self._to_evaluate(part) for name, part in dataset.items()}
        if not isinstance(dataset, StreamingDataset) or not hasattr(self, "_prepare_dataset"):
            return dataset
        from loraloop.trainer._prepared import PreparedDataset

        return PreparedDataset(dataset.whole())

    def _run_epoch(self, **options: Any) -> None:  # type: ignore[override]
        """The rest of an epoch that was resumed has fewer steps, and its last one may have fewer batches."""
        if self._streaming is not None and self._position.resumed_batches:
            batches = options["steps_in_epoch"] - self._position.resumed_batches
            self._position.resumed_batches = 0
            steps = math.ceil(batches / self.args.gradient_accumulation_steps)
            options |= {"steps_in_epoch": batches, "num_update_steps_per_epoch": steps}
        super()._run_epoch(**options)  # type: ignore[no-untyped-call]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Older checkpoints are removed in here: the position must be part of this one by then."""
        if self._streaming is not None:
            if self.args.should_save:
                # One that is written again is not whole meanwhile.
                folder = Path(self._get_output_dir(trial), f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}")
                (folder / TRAINER_STATE).unlink(missing_ok=True)
            loader: Any = self.callback_handler.train_dataloader
            self._position.begin_checkpoint(loader, self.state.global_step)
        super()._save_checkpoint(model, trial)

    def _save_rng_state(self, output_dir: str) -> None:
        """The last that each rank saves; only the trainer's state follows."""
        super()._save_rng_state(output_dir)
        if self._streaming is not None:
            self._position.complete_checkpoint(Path(output_dir))

    @property
    def _position(self) -> StreamingCallback:
        """Another one after a resume that restores callbacks."""
        return next(callback for callback in self.callback_handler.callbacks if isinstance(callback, StreamingCallback))

    def _scale_weights(self, batches: list[Any]) -> None:
        """By one factor for all batches of a step on all ranks: the trainer's own division then gives Σ w·l / Σ w."""
        counted = weighted = 0.0
        for batch in batches:
            weights = batch[WEIGHT].double()
            if self._loss.obstacle is not None and (weights != 1).any():
                raise ConfigurationError(f'weights cannot act with {self._loss.obstacle}: use weights="sampling"')
            counts = self._loss.counts(batch, len(weights))
            counted, weighted = counted + float(counts.sum()), weighted + float((weights * counts).sum())
        if self.args.world_size > 1 and self._loss.across_ranks:
            sums = torch.tensor([[counted, weighted]], device=self.args.device)
            counted, weighted = self.accelerator.gather(sums).sum(0).tolist()
        factor = self._loss.scale(counted, weighted, len(batches) * self.args.world_size) if weighted else 0.0
        for batch in batches:
            batch[WEIGHT] *= factor

    def _check(self, dataset: StreamingDataset) -> None:
        _check_equal("rank", dataset.rank, self.args.process_index)
        _check_equal("world_size", dataset.world_size, self.args.world_size)
        global_batch = self._train_batch_size * self.args.world_size
        _check_equal("global_batch_size", dataset.global_batch_size, global_batch)


def _check_equal(name: str, actual: int, expected: int) -> None:
    if actual != expected:
        raise ConfigurationError(
            f"the StreamingDataset has {name}={actual}, the trainer's arguments make it {expected}"
        )
