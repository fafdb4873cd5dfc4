"""Real trainings of a tiny random model in Hugging Face's Trainer and TRL's, interrupted and resumed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from accelerate import Accelerator
from transformers import DataCollatorForSeq2Seq, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_jit_checkpoint import JITCheckpointCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from loraloop import AdaptiveSampling, Client, ConfigurationError, Plan, RunPosition
from loraloop.torch import StreamingDataLoader, StreamingDataset
from loraloop.trainer import StreamingCallback, StreamingTrainerMixin
from loraloop.trainer._batches import INDEX
from loraloop.trainer._positions import newest_checkpoint
from tests.server import LoraloopServer
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
# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def sentences(server: LoraloopServer) -> Iterator[Client]:
    with Client(server.address, server.token) as client:
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
        yield client


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


@pytest.mark.parametrize("make", [hf_trainer, sft_trainer, dpo_trainer])
@pytest.mark.parametrize("checkpoint", [2, 3, 5])
def test_a_resume_reads_and_learns_what_an_undisturbed_training_does(
    make: Any, checkpoint: int, sentences: Client, tmp_path: Path
) -> None:
    options = {"gradient_accumulation_steps": ACCUMULATED, "num_train_epochs": EPOCHS}
    undisturbed = run(make(sentences, tmp_path / "a", **options), Seen())
    folder = tmp_path / "b"
    saving = {**options, "save_strategy": "steps", "save_steps": checkpoint}
    resumed = run(make(sentences, folder, **saving), Seen(), stop_at=checkpoint)
    assert len(undisturbed.indices) == EPOCHS * COUNT // BATCH
    assert sorted(chain(*undisturbed.indices[: COUNT // BATCH])) == list(range(COUNT))
    del resumed.indices[_batches_until(checkpoint) :]
    run(make(sentences, folder, **saving), resumed, resume=True)
    assert_same(resumed, undisturbed)


def assert_same(resumed: Seen, undisturbed: Seen) -> None:
    assert resumed.indices == undisturbed.indices
    assert resumed.losses == undisturbed.losses
    for mine, theirs in zip(resumed.parameters, undisturbed.parameters, strict=True):
        assert torch.equal(mine, theirs)


def _batches_until(step: int) -> int:
    epochs, steps = divmod(step, STEPS_PER_EPOCH)
    return epochs * COUNT // BATCH + steps * ACCUMULATED


def test_two_resumes_in_a_row(sentences: Client, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 1}
    undisturbed = run(hf_trainer(sentences, tmp_path / "a", **options), Seen())
    resumed = run(hf_trainer(sentences, tmp_path / "b", **options), Seen(), stop_at=2)
    del resumed.indices[2:]
    run(hf_trainer(sentences, tmp_path / "b", **options), resumed, stop_at=4, resume=True)
    del resumed.indices[4:]
    run(hf_trainer(sentences, tmp_path / "b", **options), resumed, resume=True)
    assert_same(resumed, undisturbed)


def test_the_epoch_that_is_shown_goes_on_too(sentences: Client, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 4, "num_train_epochs": 1}
    run(hf_trainer(sentences, tmp_path, **options), Seen(), stop_at=5)
    trainer = hf_trainer(sentences, tmp_path, **options)
    run(trainer, Seen(), resume=True)
    epochs = [entry["epoch"] for entry in trainer.state.log_history if "loss" in entry]
    assert epochs == pytest.approx([step / 9 for step in range(1, 10)], abs=1e-2)


def test_a_checkpoint_without_a_position_is_refused(sentences: Client, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 1}
    run(hf_trainer(sentences, tmp_path, **options), Seen(), stop_at=2, event="save")
    file = tmp_path / "checkpoint-2" / "trainer_state.json"
    state = json.loads(file.read_text())
    del state["stateful_callbacks"]["StreamingCallback"]
    file.write_text(json.dumps(state))
    with pytest.raises(ConfigurationError, match="step 2 has no position of the stream"):
        hf_trainer(sentences, tmp_path, **options).train(resume_from_checkpoint=str(file.parent))
    with pytest.raises(ConfigurationError, match=r"no checkpoint in .* was saved whole.*\(checkpoint-2\)"):
        hf_trainer(sentences, tmp_path, **options).train(resume_from_checkpoint=True)


def truncate(checkpoint: Path) -> None:
    file = checkpoint / "trainer_state.json"
    file.write_text(file.read_text()[:-10])


def lose_random_numbers(checkpoint: Path) -> None:
    (checkpoint / "rng_state.pth").unlink()


def lose_everything(checkpoint: Path) -> None:
    for file in checkpoint.iterdir():
        file.unlink()


@pytest.mark.parametrize("damage", [truncate, lose_random_numbers, lose_everything])
def test_a_checkpoint_that_is_not_whole_is_passed_over(
    damage: Callable[[Path], None], sentences: Client, tmp_path: Path
) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 1}
    undisturbed = run(hf_trainer(sentences, tmp_path / "a", **options), Seen())
    resumed = run(hf_trainer(sentences, tmp_path / "b", **options), Seen(), stop_at=5)
    damage(tmp_path / "b" / "checkpoint-4")
    (tmp_path / "b" / "checkpoint-best").mkdir()
    del resumed.indices[2:]
    assert_same(run(hf_trainer(sentences, tmp_path / "b", **options), resumed, resume=True), undisturbed)


def test_a_checkpoint_that_is_written_again_is_not_whole_meanwhile(sentences: Client, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 1}
    run(hf_trainer(sentences, tmp_path, **options), Seen(), stop_at=5)
    trainer = hf_trainer(sentences, tmp_path, **options)

    def break_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    trainer.seen, trainer.save_model = Seen(), break_off
    with pytest.raises(KeyboardInterrupt):
        trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert not (tmp_path / "checkpoint-4" / "trainer_state.json").exists()


class Terminated(TrainerCallback):
    """Lets transformers save a checkpoint as SIGTERM does, at the next place after that event of that step."""

    def __init__(self, trainer: Any, event: str, step: int) -> None:
        self._signals: Any
        (self._signals,) = (
            callback.jit_manager
            for callback in trainer.callback_handler.callbacks
            if isinstance(callback, JITCheckpointCallback)
        )
        self._event, self._step = event, step

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._ask("on_step_end", state)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._ask("on_step_begin", state)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._ask("on_pre_optimizer_step", state)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._ask("on_step_end", state)

    def _ask(self, event: str, state: Any) -> None:
        if (event, state.global_step) == (self._event, self._step):
            self._signals.is_checkpoint_requested = True


@pytest.mark.parametrize(
    ("event", "step", "saved"),
    [
        *((event, step, step) for step in (0, 2, STEPS_PER_EPOCH) for event in ("on_step_end", "on_step_begin")),
        # By the end of the step that it belongs to.
        *(("on_pre_optimizer_step", step, step + 1) for step in (0, 1, STEPS_PER_EPOCH - 1)),
    ],
)
def test_a_checkpoint_in_the_middle_of_a_step_begins_before_it(
    event: str, step: int, saved: int, sentences: Client, tmp_path: Path
) -> None:
    options = {"gradient_accumulation_steps": ACCUMULATED, "num_train_epochs": EPOCHS, "enable_jit_checkpoint": True}
    undisturbed = run(sft_trainer(sentences, tmp_path / "a", **options), Seen())
    trainer = sft_trainer(sentences, tmp_path / "b", **options)
    trainer.add_callback(Terminated(trainer, event, step))
    resumed = run(trainer, Seen())
    assert newest_checkpoint(str(tmp_path / "b")) == str(tmp_path / "b" / f"checkpoint-{saved}")
    del resumed.indices[_batches_until(saved) :]
    run(sft_trainer(sentences, tmp_path / "b", **options), resumed, resume=True)
    assert_same(resumed, undisturbed)


def test_a_resume_may_restore_callbacks(sentences: Client, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 1}
    undisturbed = run(hf_trainer(sentences, tmp_path / "a", **options), Seen())
    resumed = run(hf_trainer(sentences, tmp_path / "b", **options), Seen(), stop_at=4, event="save")
    restoring = {**options, "restore_callback_states_from_checkpoint": True}
    run(hf_trainer(sentences, tmp_path / "b", **restoring), resumed, stop_at=6, event="save", resume=True)
    assert_same(run(hf_trainer(sentences, tmp_path / "b", **restoring), resumed, resume=True), undisturbed)


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
