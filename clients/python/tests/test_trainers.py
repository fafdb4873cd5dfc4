"""Real trainings of a tiny random model in Hugging Face's Trainer and TRL's, but for those that are interrupted."""

from __future__ import annotations

import pickle
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import pytest
from accelerate import Accelerator
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
from trl import DPOConfig, SFTConfig, SFTTrainer

from loraloop import AdaptiveSampling, Client, ConfigurationError, Plan, RunPosition
from loraloop.torch import StreamingDataLoader, StreamingDataset
from loraloop.trainer import StreamingCallback
from tests.recorded_trainers import (
    BATCH,
    COUNT,
    EPOCHS,
    PAIRS,
    SPEC,
    Seen,
    StreamingDPOTrainer,
    StreamingSFTTrainer,
    assert_same,
    dataset,
    hf_trainer,
    run,
    sft_trainer,
)
from tests.tiny import TOKENIZER, settings, text_of, tiny_model, tokenize

# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def test_another_global_batch_is_refused(sentences: Client, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="global_batch_size=4, the trainer's arguments make it 8"):
        hf_trainer(sentences, tmp_path, per_device_train_batch_size=8).train()


def test_packing_and_a_shuffle_of_trl_are_refused(sentences: Client, tmp_path: Path) -> None:
    for options in ({"packing": True, "max_length": 32}, {"shuffle_dataset": True}):
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            StreamingSFTTrainer(
                tiny_model(),
                settings(SFTConfig, str(tmp_path), **options),
                train_dataset=dataset(sentences),
                processing_class=TOKENIZER,
            )


def test_what_trl_would_leave_out_keeps_its_place_and_weighs_nothing(sentences: Client, tmp_path: Path) -> None:
    trainer: Any = StreamingDPOTrainer(
        tiny_model(),
        tiny_model(seed=1),
        settings(DPOConfig, str(tmp_path), max_length=6),
        train_dataset=dataset(sentences, PAIRS),
        processing_class=TOKENIZER,
    )
    lengths = [(len(sample["prompt_ids"]), sample.get("weight", 1.0)) for sample in trainer.train_dataset]
    assert len(lengths) == COUNT
    assert all(weight == (length < 6) for length, weight in lengths)
    assert run(trainer, Seen()).losses


def test_looks_at_the_first_sample_read_nothing_away(sentences: Client, tmp_path: Path) -> None:
    trainer = sft_trainer(sentences, tmp_path, max_steps=1)
    first, again = (next(iter(trainer.train_dataset)) for _ in range(2))
    assert first == again
    assert trainer.get_train_dataloader().state_dict()["next_index"] == 0


def test_sft_trainer_learns_from_to_hf(sentences: Client, tmp_path: Path) -> None:
    stream = sentences.stream(spec=SPEC).to_hf()
    assert isinstance(stream, datasets.IterableDataset)
    arguments = settings(SFTConfig, str(tmp_path), max_length=32, max_steps=20)
    trainer = SFTTrainer(tiny_model(), arguments, train_dataset=stream, processing_class=TOKENIZER)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]


def test_every_pass_over_to_hf_begins_where_the_stream_was(sentences: Client) -> None:
    stream = sentences.stream(spec=SPEC)
    texts = [sample["text"] for sample in stream]
    again = sentences.stream(spec=SPEC)
    next(again)
    remaining = again.to_hf()
    assert [sample["text"] for sample in remaining] == texts[1:]
    assert [sample["text"] for sample in remaining.take(2)] == texts[1:3]
    assert next(again)["text"] == texts[1]


def adaptive_trainer(client: Client, folder: Path, name: str, **options: Any) -> Any:
    """Opens the run, or takes it over."""
    opened = client.runs.open(
        name,
        spec=SPEC,
        plan=Plan(seed=3, shuffle=True, global_batch_size=BATCH),
        adaptive_sampling=AdaptiveSampling(),
    )
    arguments = settings(SFTConfig, str(folder), max_length=32, num_train_epochs=EPOCHS, **options)
    return StreamingSFTTrainer(
        tiny_model(),
        arguments,
        train_dataset=StreamingDataset(client=client, run=opened),
        processing_class=TOKENIZER,
    )


@pytest.mark.parametrize(
    ("stop_at", "event", "checkpoint"), [(11, "step", 9), (9, "save", 9), (7, "step", 4), (4, "save", 4)]
)
def test_a_run_is_told_losses_and_a_resume_reads_its_epochs_again(
    stop_at: int, event: str, checkpoint: int, sentences: Client, tmp_path: Path
) -> None:
    """At "save" a checkpoint is there, but its losses have not been told; after 9 steps an epoch is closed."""
    names = [f"undisturbed-{stop_at}", f"resumed-{stop_at}"]
    undisturbed = run(adaptive_trainer(sentences, tmp_path / "a", names[0]), Seen())
    saving = {"save_strategy": "steps", "save_steps": checkpoint, "save_total_limit": 1}
    resumed = run(adaptive_trainer(sentences, tmp_path / "b", names[1], **saving), Seen(), stop_at=stop_at, event=event)
    del resumed.indices[checkpoint:]
    run(adaptive_trainer(sentences, tmp_path / "b", names[1], **saving), resumed, resume=True)
    assert_same(resumed, undisturbed)
    infos = [sentences.runs.get(name) for name in names]
    for info in infos:
        assert [epoch.loss_count for epoch in info.epochs[:EPOCHS]] == [COUNT, COUNT]
        assert info.metrics["loss"] == pytest.approx(undisturbed.losses[18])
    assert infos[1].consumed == RunPosition(epoch=1, next_index=COUNT, step=18)
    assert infos[1].epochs[1].plan == infos[0].epochs[1].plan


def test_losses_of_samples_make_up_the_logged_loss(sentences: Client, tmp_path: Path) -> None:
    seen = run(adaptive_trainer(sentences, tmp_path, "summed"), Seen())
    losses = dict(sentences.runs.losses("summed", 0))
    numbers = [int(entry.record_id) for entry in sentences.plans.explain(run="summed", count=BATCH)]
    # Each word is a token, and the end of the text one more; the first is not predicted.
    weights = [(1 + number % 3) * len(text_of(number).split()) for number in numbers]
    assert seen.indices[0] == list(range(BATCH))
    weighted = sum(weight * losses[index] for index, weight in enumerate(weights)) / sum(weights)
    assert seen.losses[1] == pytest.approx(weighted, rel=1e-5)


def test_workers_read_and_prepare_the_same(sentences: Client, tmp_path: Path) -> None:
    alone = run(sft_trainer(sentences, tmp_path / "a", max_steps=5), Seen())
    workers = run(sft_trainer(sentences, tmp_path / "b", max_steps=5, dataloader_num_workers=2), Seen())
    assert_same(workers, alone)


def test_what_trl_prepares_with_reaches_workers_that_are_spawned(sentences: Client, tmp_path: Path) -> None:
    trainer: Any = sft_trainer(sentences, tmp_path)
    prepare = trainer.train_dataset.preparation
    sample = {"text": text_of(1), "weight": 2.0}
    assert pickle.loads(pickle.dumps(prepare))(sample) == prepare(sample)
    assert prepare(sample)["weight"] == 2.0


def test_a_plain_trainer_trains_but_keeps_no_position(sentences: Client, tmp_path: Path) -> None:
    def trainer(**options: Any) -> Trainer:
        arguments = settings(TrainingArguments, str(tmp_path), max_steps=2, remove_unused_columns=False)
        source = dataset(sentences, transform=tokenize)
        collate = DataCollatorForSeq2Seq(TOKENIZER)
        return Trainer(tiny_model(), arguments, train_dataset=source, data_collator=collate, **options)

    assert trainer().train().global_step == 2
    with pytest.raises(ConfigurationError, match="put StreamingTrainerMixin before"):
        trainer(callbacks=[StreamingCallback()]).train()


def test_evaluation_is_the_trainers_own(sentences: Client, tmp_path: Path) -> None:
    examples = [tokenize({"text": text_of(number)}) for number in range(6)]
    mine = hf_trainer(sentences, tmp_path)
    arguments, collate = settings(TrainingArguments, str(tmp_path)), DataCollatorForSeq2Seq(TOKENIZER)
    own = Trainer(tiny_model(dropout=0.1), arguments, data_collator=collate)
    loss = own.evaluate(examples)["eval_loss"]  # type: ignore[arg-type]
    assert mine.evaluate(examples)["eval_loss"] == pytest.approx(loss)


def test_accelerate_saves_and_loads_where_a_loader_is(sentences: Client, tmp_path: Path) -> None:
    def loader() -> Any:
        return Accelerator(cpu=True), StreamingDataLoader(dataset(sentences, with_ids=True))

    accelerator, first = loader()
    batches = iter(accelerator.prepare(first))
    head = [[sample["index"] for sample in next(batches)] for _ in range(3)]
    accelerator.save_state(tmp_path)
    accelerator, second = loader()
    prepared = accelerator.prepare(second)
    accelerator.load_state(tmp_path)
    tail = [[sample["index"] for sample in batch] for batch in prepared]
    assert list(chain(*head, *tail)) == list(range(COUNT))
