"""What each process runs for test_two_ranks: `python -m tests.two_ranks SCENARIO FOLDER`, started as torchrun would."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.distributed as distributed
from accelerate import Accelerator, DataLoaderConfiguration
from torch.utils.data import DataLoader
from transformers import DataCollatorForSeq2Seq, Trainer, TrainerCallback, TrainingArguments
from trl import DPOConfig, SFTConfig

from loraloop import Client, ConfigurationError
from loraloop.torch import StreamingDataLoader, StreamingDataset
from loraloop.trainer import StreamingTrainerMixin
from loraloop.trainer._batches import INDEX
from tests.evaluated import EvaluatedDPOTrainer, EvaluatedSFTTrainer, EvaluatedTrainer
from tests.tiny import TOKENIZER, settings, tiny_model, tokenize

SPEC = {"collection": "shared", "format": "text", "weighting": {"weight_field": "importance"}}
PAIRS = {
    **SPEC,
    "format": "preference",
    "mapping": {"prompt": "text", "chosen": "good", "rejected": "bad"},
}
SPLIT = {**SPEC, "splits": {"parts": [{"name": "validation", "percent": 60}, {"name": "train", "percent": 40}]}}
GLOBAL_BATCH = 4
#: With Adam, gradients twice as large would do the same.
SHOWING_THE_SCALE = {"optim": "sgd", "learning_rate": 0.5, "max_grad_norm": 0.0}


class Recorded(StreamingTrainerMixin, Trainer):
    seen: list[list[int]]

    def compute_loss(self, model: Any, inputs: Any, *options: Any, **named: Any) -> Any:
        self.seen.append(inputs[INDEX].tolist())
        return super().compute_loss(model, inputs, *options, **named)


class Holding(Recorded):
    """Does not come out of saving the checkpoint of step 4, at that place on that rank."""

    held: tuple[str, int]

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        self.hold("model")
        super().save_model(output_dir, _internal_call)

    def _save_rng_state(self, output_dir: str) -> None:
        self.hold("random numbers")
        super()._save_rng_state(output_dir)

    def hold(self, place: str) -> None:
        if self.state.global_step == 4 and self.held == (place, self.args.process_index):
            assert self.args.output_dir is not None
            Path(self.args.output_dir, "held").touch()
            time.sleep(120)


class Upload(TrainerCallback):
    """Of one's own, before that of the mix-in."""

    trainer: Holding

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self.trainer.hold("upload")


def dataset(**options: Any) -> StreamingDataset:
    return StreamingDataset(
        spec=SPEC, shuffle=True, shuffle_seed=3, global_batch_size=GLOBAL_BATCH, transform=tokenize, **options
    )


def train(folder: Path, steps: int, held: tuple[str, int] = ("", 0), dropout: float = 0.0) -> dict[str, Any]:
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
        save_total_limit=1,
    )
    upload = Upload()
    model = tiny_model(dropout=dropout)
    trainer = upload.trainer = Holding(
        model,
        arguments,
        train_dataset=dataset(),
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
        callbacks=[upload],
    )
    trainer.seen, trainer.held = [], held
    trainer.train(resume_from_checkpoint=True)
    losses = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    weights = b"".join(parameter.detach().numpy().tobytes() for parameter in model.parameters())
    return {"seen": trainer.seen, "losses": losses, "weights": hashlib.sha256(weights).hexdigest()}


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
        sft = EvaluatedSFTTrainer(
            tiny_model(),
            sft_arguments,
            train_dataset=StreamingDataset(client=client, run=run),
            processing_class=TOKENIZER,
        )
        sft.train()
    dpo = EvaluatedDPOTrainer(
        tiny_model(),
        tiny_model(seed=1),
        settings(DPOConfig, str(folder), **options),
        train_dataset=StreamingDataset(spec=PAIRS, shuffle=True, shuffle_seed=3, global_batch_size=GLOBAL_BATCH),
        processing_class=TOKENIZER,
    )
    dpo.train()
    logged = [*sft.state.log_history, *dpo.state.log_history]
    return {"logged": [entry[key] for entry in logged if "loss" in entry for key in ("loss", "grad_norm")]}


def evaluate(folder: Path) -> dict[str, Any]:
    """What a rank of each trainer evaluates in two evaluations of a training, and what all of them gather as labels."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    gathered: list[list[list[int]]] = []

    def keep_labels(prediction: Any) -> dict[str, float]:
        gathered.append(prediction.label_ids.tolist())
        return {}

    options = {
        "per_device_train_batch_size": GLOBAL_BATCH // world_size,
        "per_device_eval_batch_size": GLOBAL_BATCH,
        "eval_strategy": "steps",
        "eval_steps": 1,
        "max_steps": 2,
    }
    trainers: list[Any] = [
        EvaluatedTrainer(
            tiny_model(),
            settings(TrainingArguments, str(folder), **options),
            train_dataset=dataset(),
            eval_dataset=StreamingDataset(spec=SPLIT, split="validation", transform=tokenize),
            data_collator=DataCollatorForSeq2Seq(TOKENIZER),
            compute_metrics=keep_labels,
        ),
        EvaluatedSFTTrainer(
            tiny_model(),
            settings(SFTConfig, str(folder), **options),
            train_dataset=StreamingDataset(spec=SPEC, global_batch_size=GLOBAL_BATCH),
            eval_dataset=StreamingDataset(spec=SPLIT, split="validation"),
            processing_class=TOKENIZER,
        ),
        EvaluatedDPOTrainer(
            tiny_model(),
            tiny_model(seed=1),
            settings(DPOConfig, str(folder), **options),
            train_dataset=StreamingDataset(spec=PAIRS, global_batch_size=GLOBAL_BATCH),
            eval_dataset=StreamingDataset(spec={**SPLIT, **PAIRS}, split="validation"),
            processing_class=TOKENIZER,
        ),
    ]
    for trainer in trainers:
        trainer.train()
    return {"evaluations": [trainer.evaluations for trainer in trainers], "labels": gathered}


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
    "dropout": lambda folder: train(folder, 6, dropout=0.1),
    "held-model": lambda folder: train(folder, 6, ("model", 0), dropout=0.1),
    "held-random-numbers": lambda folder: train(folder, 6, ("random numbers", 1), dropout=0.1),
    "held-upload": lambda folder: train(folder, 6, ("upload", 0), dropout=0.1),
    "accelerate": accelerate,
    "trl": trl,
    "evaluate": evaluate,
}

if __name__ == "__main__":
    scenario, folder = sys.argv[1:]
    result = SCENARIOS[scenario](Path(folder) / "output")
    Path(folder, f"{scenario}-{os.environ.get('RANK', '0')}.json").write_text(json.dumps(result))
    if distributed.is_initialized():
        distributed.destroy_process_group()
    # Threads of the libraries may be running still when a process ends by itself, which aborts one of some fifty.
    sys.stdout.flush()
    os._exit(0)
