"""Trainers of a tiny random model that keep what they read, and a way to interrupt and resume them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import DataCollatorForSeq2Seq, Trainer, TrainerCallback, TrainingArguments
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from loraloop import Client
from loraloop.torch import StreamingDataset
from loraloop.trainer import StreamingTrainerMixin
from loraloop.trainer._batches import INDEX
from tests.tiny import TOKENIZER, settings, text_of, tiny_model, tokenize

COUNT = 36
BATCH = 4
#: 9 batches an epoch, 4 to a step: the third step of an epoch has one batch.
ACCUMULATED = 4
STEPS_PER_EPOCH = 3
EPOCHS = 2
SPEC = {"collection": "sentences", "format": "text", "weighting": {"weight_field": "importance"}}
PAIRS = {
    "collection": "sentences",
    "format": "preference",
    "mapping": {"prompt": "text", "chosen": "good", "rejected": "bad"},
}


def ingest_sentences(client: Client) -> None:
    client.ingest(
        "sentences",
        (
            {
                "id": f"{number:04d}",
                "text": text_of(number),
                "good": f" {text_of(number + 1)}",
                "bad": f" {text_of(number + 3)}",
                "importance": 1 + number % 3,
            }
            for number in range(COUNT)
        ),
    )


@dataclass
class Seen:
    """What a training read and what came of it."""

    #: Of each batch, in order.
    indices: list[list[int]] = field(default_factory=list)
    #: By optimizer step.
    losses: dict[int, float] = field(default_factory=dict)
    parameters: list[torch.Tensor] = field(default_factory=list)


class Recorded(StreamingTrainerMixin):
    seen: Seen

    def compute_loss(self, model: Any, inputs: Any, *options: Any, **named: Any) -> Any:
        if INDEX in inputs:
            self.seen.indices.append(inputs[INDEX].tolist())
        return super().compute_loss(model, inputs, *options, **named)


class PlainTrainer(Recorded, Trainer):
    pass


class StreamingSFTTrainer(Recorded, SFTTrainer):
    pass


class StreamingDPOTrainer(Recorded, DPOTrainer):
    pass


class StopAt(TrainerCallback):
    """As Ctrl+C in the middle of the step after that one, or in one's own callback when that one was saved."""

    def __init__(self, step: int, event: str) -> None:
        self._step = step
        self._event = event

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._stop(state, "step")

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._stop(state, "save")

    def _stop(self, state: Any, event: str) -> None:
        if (state.global_step, event) == (self._step, self._event):
            raise KeyboardInterrupt


def dataset(client: Client, spec: dict[str, Any] = SPEC, **options: Any) -> StreamingDataset:
    defaults = {"shuffle": True, "shuffle_seed": 3, "global_batch_size": BATCH}
    return StreamingDataset(client=client, spec=spec, **{**defaults, **options})


def hf_trainer(client: Client, folder: Path, **options: Any) -> Any:
    return PlainTrainer(
        # Dropout shows that the random numbers go on where they were, too.
        tiny_model(dropout=0.1),
        settings(TrainingArguments, str(folder), **options),
        train_dataset=dataset(client, transform=tokenize),
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
    )


def sft_trainer(client: Client, folder: Path, **options: Any) -> Any:
    arguments = settings(SFTConfig, str(folder), max_length=32, **options)
    return StreamingSFTTrainer(tiny_model(), arguments, train_dataset=dataset(client), processing_class=TOKENIZER)


def dpo_trainer(client: Client, folder: Path, **options: Any) -> Any:
    arguments = settings(DPOConfig, str(folder), max_length=32, **options)
    return StreamingDPOTrainer(
        tiny_model(),
        tiny_model(seed=1),
        arguments,
        train_dataset=dataset(client, PAIRS),
        processing_class=TOKENIZER,
    )


def run(trainer: Any, seen: Seen, *, stop_at: int | None = None, event: str = "step", resume: bool = False) -> Seen:
    trainer.seen = seen
    if stop_at is None:
        trainer.train(resume_from_checkpoint=resume)
    else:
        # Before that of the mix-in.
        trainer.callback_handler.callbacks.insert(0, StopAt(stop_at, event))
        with pytest.raises(KeyboardInterrupt):
            trainer.train(resume_from_checkpoint=resume)
    seen.losses |= {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    seen.parameters = [parameter.detach() for parameter in trainer.model.parameters()]
    return seen


def assert_same(resumed: Seen, undisturbed: Seen) -> None:
    assert resumed.indices == undisturbed.indices
    assert resumed.losses == undisturbed.losses
    for mine, theirs in zip(resumed.parameters, undisturbed.parameters, strict=True):
        assert torch.equal(mine, theirs)


def batches_until(step: int) -> int:
    epochs, steps = divmod(step, STEPS_PER_EPOCH)
    return epochs * COUNT // BATCH + steps * ACCUMULATED
