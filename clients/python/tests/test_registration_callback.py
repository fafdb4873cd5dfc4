"""Trainings that register what they made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from datasets import Dataset
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

from loraloop import Client, Plan, RunResult
from loraloop.torch import StreamingDataset
from loraloop.trainer import RegistrationCallback, StreamingTrainerMixin
from tests.adapters import adapted, load_base_model, save_base_model
from tests.server import LoraloopUp
from tests.tiny import TOKENIZER, settings, text_of, tokenize

COUNT = 24
# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


class StreamingTrainer(StreamingTrainerMixin, Trainer):
    pass


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module")
def base(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    client.registry.register_base_model(save_base_model("llama", folder), name="trained/llama")
    return folder


def test_a_run_of_a_stream_ends_with_its_version(client: Client, base: Path, tmp_path: Path) -> None:
    client.ingest("trained", ({"id": f"{number:02d}", "text": text_of(number)} for number in range(COUNT)))
    model = adapted(load_base_model(base), target_modules=["q_proj", "v_proj"])
    registration = RegistrationCallback(client, "trained", alias="candidate", close_run=True)
    spec, plan = {"collection": "trained", "format": "text"}, Plan(global_batch_size=4)
    with client.runs.open("trained", spec=spec, plan=plan) as run:
        trainer = StreamingTrainer(
            model,
            settings(TrainingArguments, str(tmp_path), num_train_epochs=1),
            train_dataset=StreamingDataset(client=client, run=run, transform=tokenize),
            data_collator=DataCollatorForSeq2Seq(TOKENIZER),
            callbacks=[registration],
        )
        trainer.train()
    version = registration.version
    assert version is not None
    assert (version.name, version.provenance.run) == ("trained@1", "trained")
    assert version.metrics["loss"] > 0
    assert client.runs.get("trained").result == RunResult(True, adapter_version="trained@1")
    assert client.registry.resolve("trained@candidate") == client.registry.get_version("trained@1")


def test_a_training_without_a_run_brings_its_metrics(client: Client, base: Path, tmp_path: Path) -> None:
    registration = RegistrationCallback(client, "trained-alone", metadata={"by": "hand"})
    samples = Dataset.from_list([tokenize({"text": text_of(number)}) for number in range(COUNT)])
    trainer = Trainer(
        adapted(load_base_model(base), target_modules=["q_proj"]),
        settings(TrainingArguments, str(tmp_path), num_train_epochs=1, eval_strategy="epoch"),
        train_dataset=samples,
        eval_dataset=samples,
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
        callbacks=[registration],
    )
    trainer.train()
    version = registration.version
    assert version is not None
    assert {"eval_loss", "train_loss"} <= version.metrics.keys()
    assert (version.provenance.run, version.metadata) == ("", {"by": "hand"})
