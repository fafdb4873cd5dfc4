"""What each process runs for test_two_ranks: `python -m tests.two_ranks SCENARIO FOLDER`, started as torchrun would."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.distributed as distributed
from accelerate import Accelerator, DataLoaderConfiguration
from torch.utils.data import DataLoader
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from loraloop import Client, ConfigurationError
from loraloop.torch import StreamingDataLoader, StreamingDataset
from loraloop.trainer import StreamingTrainerMixin
from loraloop.trainer._batches import INDEX
from tests.tiny import settings, tiny_model, tiny_tokenizer

SPEC = {"collection": "shared", "format": "text", "weighting": {"weight_field": "importance"}}
PAIRS = {
    **SPEC,
    "format": "preference",
    "mapping": {"prompt": "text", "chosen": "good", "rejected": "bad"},
}
GLOBAL_BATCH = 4
#: With Adam, gradients twice as large would do the same.
SHOWING_THE_SCALE = {"optim": "sgd", "learning_rate": 0.5, "max_grad_norm": 0.0}
TOKENIZER = tiny_tokenizer()


class Recorded(StreamingTrainerMixin, Trainer):
    seen: list[list[int]]

    def compute_loss(self, model: Any, inputs: Any, *options: Any, **named: Any) -> Any:
        self.seen.append(inputs[INDEX].tolist())
        return super().compute_loss(model, inputs, *options, **named)


def tokenize(sample: dict[str, Any]) -> dict[str, Any]:
    ids = TOKENIZER(sample["text"])["input_ids"]
    return {"input_ids": ids, "labels": ids}


def dataset(**options: Any) -> StreamingDataset:
    return StreamingDataset(
        spec=SPEC, shuffle=True, shuffle_seed=3, global_batch_size=GLOBAL_BATCH, transform=tokenize, **options
    )


def train(folder: Path, steps: int) -> dict[str, Any]:
    """Up to that step, from the newest checkpoint on."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    arguments = settings(
        TrainingArguments,
        str(folder),
        per_device_train_batch_size=GLOBAL_BATCH // world_size,
        gradient_accumulation_steps=2,
        max_steps=steps,
        lr_scheduler_type="constant",
        **SHOWING_THE_SCALE,
        save_strategy="steps",
        save_steps=2,
    )
    trainer = Recorded(
        tiny_model(), arguments, train_dataset=dataset(), data_collator=DataCollatorForSeq2Seq(TOKENIZER)
    )
    trainer.seen = []
    trainer.train(resume_from_checkpoint=any(folder.glob("checkpoint-*")))
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    return {"seen": trainer.seen, "losses": losses}


class StreamingSFTTrainer(StreamingTrainerMixin, SFTTrainer):
    pass


class StreamingDPOTrainer(StreamingTrainerMixin, DPOTrainer):
    pass


def trl(folder: Path) -> dict[str, Any]:
    """Two steps of each, and the losses of samples that the first told a run."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    options = {
        "per_device_train_batch_size": GLOBAL_BATCH // world_size,
        "gradient_accumulation_steps": 2,
        "max_steps": 2,
        "max_length": 32,
        "bf16": False,
        **SHOWING_THE_SCALE,
    }
    sft_arguments = settings(SFTConfig, str(folder), **options)
    with Client() as client:
        run = client.runs.attach(f"ranks-{world_size}")
        sft = StreamingSFTTrainer(
            tiny_model(),
            sft_arguments,
            train_dataset=StreamingDataset(client=client, run=run),
            processing_class=tiny_tokenizer(),
        )
        sft.train()
    dpo = StreamingDPOTrainer(
        tiny_model(),
        tiny_model(seed=1),
        settings(DPOConfig, str(folder), **options),
        train_dataset=StreamingDataset(spec=PAIRS, shuffle=True, shuffle_seed=3, global_batch_size=GLOBAL_BATCH),
        processing_class=tiny_tokenizer(),
    )
    dpo.train()
    logged = [*sft.state.log_history, *dpo.state.log_history]
    return {"logged": [entry[key] for entry in logged if "loss" in entry for key in ("loss", "grad_norm")]}


def plain_trainer(folder: Path) -> None:
    """The dataset of a rank in a Trainer that divides it again."""
    trainer = Trainer(
        tiny_model(),
        settings(TrainingArguments, str(folder), max_steps=2),
        train_dataset=dataset(),
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
    )
    trainer.train()


def prepared(read: StreamingDataset, *, dispatch: bool) -> Any:
    """A loader of torch as Accelerate gives it back."""
    accelerator = Accelerator(cpu=True, dataloader_config=DataLoaderConfiguration(dispatch_batches=dispatch))
    return accelerator.prepare(DataLoader(read, batch_size=2, collate_fn=DataCollatorForSeq2Seq(TOKENIZER)))


def accelerate(folder: Path) -> dict[str, Any]:
    own_loader = StreamingDataLoader(dataset(), collate_fn=DataCollatorForSeq2Seq(TOKENIZER))
    # A dataset that is rank 0 of 1 everywhere is Accelerate's to divide.
    whole = prepared(dataset(rank=0, world_size=1), dispatch=False)
    return {
        "refusals": [
            refusal(lambda: plain_trainer(folder)),
            refusal(lambda: next(iter(prepared(dataset(), dispatch=True)))),
            refusal(lambda: next(iter(prepared(dataset(), dispatch=False)))),
        ],
        "whole": [row for batch in whole for row in batch["input_ids"].tolist()],
        "own_loader_is_left_alone": Accelerator(cpu=True).prepare(own_loader) is own_loader,
    }


def refusal(run: Callable[[], Any]) -> str:
    try:
        run()
    except ConfigurationError as error:
        return str(error)
    return ""


SCENARIOS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "train-2": lambda folder: train(folder, 2),
    "train-4": lambda folder: train(folder, 4),
    "train-6": lambda folder: train(folder, 6),
    "accelerate": accelerate,
    "trl": trl,
}

if __name__ == "__main__":
    scenario, folder = sys.argv[1:]
    result = SCENARIOS[scenario](Path(folder) / "output")
    Path(folder, f"{scenario}-{os.environ.get('RANK', '0')}.json").write_text(json.dumps(result))
    # Else its threads may be running still when the process ends, which aborts it.
    if distributed.is_initialized():
        distributed.destroy_process_group()
