"""Real trainings of a tiny random model, in Hugging Face's Trainer and in TRL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from loraloop import Client
from loraloop.torch import StreamingDataset
from tests.server import LoraloopServer

COUNT = 400
SPEC = {"collection": "sentences", "format": "text"}
WORDS = ["der", "die", "das", "und", "oder", "wenn", "dann", "also", "aber", "nicht"]
# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def sentences(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
        texts = (" ".join(WORDS[(index + place) % len(WORDS)] for place in range(12)) for index in range(COUNT))
        client.ingest("sentences", ({"id": f"{index:04d}", "text": text} for index, text in enumerate(texts)))
        yield client


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = {word: number for number, word in enumerate(["<pad>", "<unk>", "</s>", *WORDS])}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=plain, pad_token="<pad>", unk_token="<unk>", eos_token="</s>", model_max_length=32
    )


def tiny_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
    )
    return LlamaForCausalLM(config)


def arguments(kind: type[Any], folder: Path, steps: int, **options: Any) -> Any:
    return kind(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=8,
        learning_rate=1e-2,
        logging_steps=5,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        **options,
    )


def losses(trainer: Trainer) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_trainer_learns_from_a_stream_and_the_state_counts_its_steps(
    sentences: Client, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    def tokenize(sample: dict[str, Any]) -> dict[str, Any]:
        ids = tokenizer(sample["text"])["input_ids"]
        return {"input_ids": ids, "labels": ids}

    dataset = StreamingDataset(client=sentences, spec=SPEC, transform=tokenize)
    settings = arguments(TrainingArguments, tmp_path, 20, remove_unused_columns=False)
    trainer = Trainer(model=tiny_model(tokenizer), args=settings, train_dataset=dataset)
    trainer.train()
    assert losses(trainer)[-1] < losses(trainer)[0]
    assert trainer.state.global_step == 20
    # The Trainer reads one batch ahead.
    assert dataset.state_dict()["next_index"] == 21 * 8


def test_sft_trainer_learns_from_to_hf(sentences: Client, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    dataset = sentences.stream(spec=SPEC).to_hf()
    assert isinstance(dataset, datasets.IterableDataset)
    settings = arguments(SFTConfig, tmp_path, 20, max_length=32)
    trainer = SFTTrainer(model=tiny_model(tokenizer), args=settings, train_dataset=dataset, processing_class=tokenizer)
    trainer.train()
    assert losses(trainer)[-1] < losses(trainer)[0]


def test_every_pass_over_to_hf_begins_where_the_stream_was(sentences: Client) -> None:
    stream = sentences.stream(spec=SPEC)
    texts = [sample["text"] for sample in stream]
    again = sentences.stream(spec=SPEC)
    next(again)
    dataset = again.to_hf()
    assert [sample["text"] for sample in dataset] == texts[1:]
    assert [sample["text"] for sample in dataset.take(2)] == texts[1:3]
    assert next(again)["text"] == texts[1]
