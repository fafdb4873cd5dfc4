"""Trainings that are interrupted and go on from their checkpoints, in Hugging Face's Trainer and TRL's."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback
from transformers.trainer_jit_checkpoint import JITCheckpointCallback

from loraloop import Client, ConfigurationError
from loraloop.trainer._positions import newest_checkpoint
from tests.recorded_trainers import (
    ACCUMULATED,
    BATCH,
    COUNT,
    EPOCHS,
    STEPS_PER_EPOCH,
    Seen,
    assert_same,
    batches_until,
    dpo_trainer,
    hf_trainer,
    run,
    sft_trainer,
)

# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


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
    del resumed.indices[batches_until(checkpoint) :]
    run(make(sentences, folder, **saving), resumed, resume=True)
    assert_same(resumed, undisturbed)


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
    del resumed.indices[batches_until(saved) :]
    run(sft_trainer(sentences, tmp_path / "b", **options), resumed, resume=True)
    assert_same(resumed, undisturbed)


def test_a_resume_may_restore_callbacks(sentences: Client, tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 1}
    undisturbed = run(hf_trainer(sentences, tmp_path / "a", **options), Seen())
    resumed = run(hf_trainer(sentences, tmp_path / "b", **options), Seen(), stop_at=4, event="save")
    restoring = {**options, "restore_callback_states_from_checkpoint": True}
    run(hf_trainer(sentences, tmp_path / "b", **restoring), resumed, stop_at=6, event="save", resume=True)
    assert_same(run(hf_trainer(sentences, tmp_path / "b", **restoring), resumed, resume=True), undisturbed)
