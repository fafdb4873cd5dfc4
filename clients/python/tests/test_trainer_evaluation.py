"""Evaluation on a split, in Hugging Face's Trainer and TRL's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
from trl import DPOConfig, SFTConfig

from loraloop import Client, ConfigurationError
from loraloop.torch import StreamingDataset
from loraloop.trainer._positions import TRAINER_STATE, saved_position
from tests.evaluated import EvaluatedDPOTrainer, EvaluatedSFTTrainer, EvaluatedTrainer
from tests.server import LoraloopServer
from tests.tiny import TOKENIZER, settings, text_of, tiny_model, tokenize

COUNT = 60
SPLITS = {"parts": [{"name": "train", "percent": 60}, {"name": "validation", "percent": 40}]}
SPEC = {
    "collection": "evaluated",
    "format": "text",
    "weighting": {"weight_field": "importance"},
    "splits": SPLITS,
}
PAIRS = {
    **SPEC,
    "format": "preference",
    "mapping": {"prompt": "text", "chosen": "good", "rejected": "bad"},
}
# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def client(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        client.ingest(
            "evaluated",
            (
                {
                    "id": f"{number:03d}",
                    "text": text_of(number),
                    "good": f" {text_of(number + 1)}",
                    "bad": " aber nicht",
                    "importance": 1 + number % 3,
                }
                for number in range(COUNT)
            ),
        )
        yield client


def part(client: Client, split: str, spec: dict[str, Any] = SPEC, **options: Any) -> StreamingDataset:
    return StreamingDataset(client=client, spec=spec, split=split, **options)


def hf_trainer(client: Client, folder: Path, evaluated: Any, **options: Any) -> Any:
    return EvaluatedTrainer(
        tiny_model(dropout=0.1),
        settings(TrainingArguments, str(folder), **options),
        train_dataset=part(client, "train", shuffle=True, global_batch_size=4, transform=tokenize),
        eval_dataset=evaluated,
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
    )


def sft_trainer(client: Client, folder: Path, evaluated: Any, **options: Any) -> Any:
    return EvaluatedSFTTrainer(
        tiny_model(dropout=0.1),
        settings(SFTConfig, str(folder), max_length=32, **options),
        train_dataset=part(client, "train", shuffle=True, global_batch_size=4),
        eval_dataset=evaluated,
        processing_class=TOKENIZER,
    )


def dpo_trainer(client: Client, folder: Path, evaluated: Any, **options: Any) -> Any:
    return EvaluatedDPOTrainer(
        tiny_model(),
        tiny_model(seed=1),
        settings(DPOConfig, str(folder), **{"max_length": 32, **options}),
        train_dataset=part(client, "train", PAIRS, shuffle=True, global_batch_size=4),
        eval_dataset=evaluated,
        processing_class=TOKENIZER,
    )


KINDS = [(hf_trainer, SPEC, tokenize), (sft_trainer, SPEC, None), (dpo_trainer, PAIRS, None)]


def expected(client: Client, spec: dict[str, Any], split: str = "validation") -> list[str]:
    with client.stream(spec=spec, split=split) as stream:
        return [sample.get("text") or sample["prompt"] + sample["chosen"] for sample in stream]


@pytest.mark.parametrize(("make", "spec", "transform"), KINDS)
def test_each_evaluation_has_every_sample_once_and_moves_no_training(
    make: Any, spec: dict[str, Any], transform: Any, client: Client, tmp_path: Path
) -> None:
    options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 4}
    evaluating = {"eval_strategy": "steps", "eval_steps": 2, "per_device_eval_batch_size": 5}
    alone = make(client, tmp_path / "a", None, **options)
    alone.train()
    # The other batch and the last one that is left out are not those of an evaluation.
    watched = part(client, "validation", spec, transform=transform, global_batch_size=7, drop_last=True)
    trainer = make(client, tmp_path / "b", watched, **options, **evaluating)
    trainer.train()
    assert [list(chain(*batches)) for batches in trainer.evaluations] == [expected(client, spec)] * 2
    assert {len(batch) for batches in trainer.evaluations for batch in batches[:-1]} == {5}
    for mine, theirs in zip(trainer.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    states = [json.loads((tmp_path / folder / "checkpoint-4" / TRAINER_STATE).read_text()) for folder in ("a", "b")]
    positions = [saved_position(state["stateful_callbacks"]) for state in states]
    assert positions[0] is not None
    assert positions[0] == positions[1]


def test_the_loss_is_that_of_a_trainer_over_the_same_samples(client: Client, tmp_path: Path) -> None:
    validation = part(client, "validation", transform=tokenize)
    trainer = hf_trainer(client, tmp_path, validation, per_device_eval_batch_size=5)
    own = Trainer(
        trainer.model,
        settings(TrainingArguments, str(tmp_path), per_device_eval_batch_size=5),
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
    )
    examples: Any = [tokenize({"text": text}) for text in expected(client, SPEC)]
    assert trainer.evaluate()["eval_loss"] == pytest.approx(own.evaluate(examples)["eval_loss"])
    predicted: Any = trainer.predict(validation)
    owned: Any = own.predict(examples)
    assert predicted.label_ids.tolist() == owned.label_ids.tolist()


def test_metrics_by_batches_end_with_the_last_one(client: Client, tmp_path: Path) -> None:
    ends: list[bool] = []

    def count(prediction: Any, compute_result: bool) -> dict[str, float]:  # noqa: ARG001
        ends.append(compute_result)
        return {}

    watched = part(client, "validation", transform=tokenize)
    trainer = hf_trainer(client, tmp_path, watched, per_device_eval_batch_size=5, batch_eval_metrics=True)
    trainer.compute_metrics = count
    trainer.evaluate()
    batches = -(-len(expected(client, SPEC)) // 5)
    assert ends == [False] * (batches - 1) + [True]


def test_weights_and_runs_leave_nothing_out_of_an_evaluation(client: Client, tmp_path: Path) -> None:
    sampled = part(client, "validation", transform=tokenize, weights="sampling")
    trainer = hf_trainer(client, tmp_path, sampled)
    trainer.evaluate()
    assert list(chain(*trainer.evaluations[0])) == expected(client, SPEC)
    with client.runs.open("evaluating", spec=SPEC, split="validation") as run:
        of_run = StreamingDataset(client=client, run=run, transform=tokenize)
        with pytest.raises(ConfigurationError, match="a run's dataset trains"):
            hf_trainer(client, tmp_path, of_run).evaluate()


@pytest.mark.parametrize(("make", "spec", "transform"), KINDS)
def test_datasets_by_name_and_those_given_later_are_evaluated_too(
    make: Any, spec: dict[str, Any], transform: Any, client: Client, tmp_path: Path
) -> None:
    parts = {name: part(client, name, spec, transform=transform) for name in ("train", "validation")}
    trainer = make(client, tmp_path, parts, eval_strategy="steps", eval_steps=1, max_steps=1)
    trainer.train()
    seen = [list(chain(*batches)) for batches in trainer.evaluations if batches]
    assert seen == [expected(client, spec, "train"), expected(client, spec)]
    assert {"eval_train_loss", "eval_validation_loss"} <= {key for entry in trainer.state.log_history for key in entry}
    trainer.evaluations.clear()
    trainer.evaluate(parts["validation"])
    assert list(chain(*trainer.evaluations[-1])) == expected(client, spec)


def test_the_datasets_of_training_and_evaluation_may_be_one(client: Client, tmp_path: Path) -> None:
    trainer = sft_trainer(client, tmp_path, None, max_steps=2)
    both = trainer.train_dataset.source
    trainer = sft_trainer(client, tmp_path, both, max_steps=2, eval_strategy="steps", eval_steps=1)
    trainer.train()
    assert [sorted(chain(*batches)) for batches in trainer.evaluations] == [sorted(expected(client, SPEC, "train"))] * 2
    assert both.state_dict()["next_index"] == 0


def test_workers_prepare_an_evaluation(client: Client, tmp_path: Path) -> None:
    trainer = sft_trainer(
        client, tmp_path, part(client, "validation"), dataloader_num_workers=2, dataloader_persistent_workers=True
    )
    for _ in range(2):
        trainer.evaluate()
    assert [list(chain(*batches)) for batches in trainer.evaluations] == [expected(client, SPEC)] * 2


def test_what_trl_would_leave_out_is_not_evaluated(client: Client, tmp_path: Path) -> None:
    trainer = dpo_trainer(client, tmp_path, part(client, "validation", PAIRS), max_length=6)
    with client.stream(spec=PAIRS, split="validation") as stream:
        kept = [sample for sample in stream if len(sample["prompt"].split()) < 6]
    assert kept
    trainer.evaluate()
    assert sum(map(len, trainer.evaluations[-1])) == len(kept)


def test_samples_of_a_format_that_trl_does_not_take_are_refused(client: Client, tmp_path: Path) -> None:
    spec = {**SPEC, "format": "instruction", "mapping": {"instruction": "text", "output": "good"}}
    options = {
        "args": settings(SFTConfig, str(tmp_path), max_steps=1),
        "train_dataset": part(client, "train", spec, global_batch_size=4),
        "processing_class": TOKENIZER,
    }
    with pytest.raises(ConfigurationError, match=r"'text' of a sample that has instruction, output.*formatting_func"):
        EvaluatedSFTTrainer(tiny_model(), **options).train()
    trainer: Any = EvaluatedSFTTrainer(
        tiny_model(), **options, formatting_func=lambda sample: sample["instruction"] + sample["output"]
    )
    assert trainer.train().global_step == 1
