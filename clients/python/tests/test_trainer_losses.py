"""Sample weights inside the losses of the trainers, beside the same sums written out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import Trainer, TrainingArguments
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from loraloop.loss import sample_losses, token_losses, token_weight, weighted_loss
from loraloop.trainer._losses import TrainerLoss, loss_of
from tests.tiny import settings, text_of, tiny_model, tiny_tokenizer

# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

LABELS = torch.tensor([[3, 4, 5, 6, 7], [-100, 8, 9, -100, -100], [3, 5, 7, 9, -100]])
INPUTS = LABELS.clamp(min=0)
WEIGHTS = torch.tensor([0.25, 3.0, 1.0])
PREFERENCES = [{"prompt": text_of(n), "chosen": text_of(n + 1), "rejected": text_of(n + 2)} for n in range(4)]


def batch() -> dict[str, torch.Tensor]:
    return {"input_ids": INPUTS, "labels": LABELS, "attention_mask": torch.ones_like(INPUTS)}


def expected_losses() -> torch.Tensor:
    """Of each token, by hand."""
    probabilities = tiny_model()(input_ids=INPUTS).logits[:, :-1].log_softmax(-1)
    targets = LABELS[:, 1:]
    picked = -probabilities.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return torch.where(targets != -100, picked, 0.0).detach()


def expected_mean() -> torch.Tensor:
    counts = (LABELS[:, 1:] != -100).sum(1)
    return (expected_losses().sum(1) * WEIGHTS).sum() / (counts * WEIGHTS).sum()


def test_weights_act_on_each_token_before_the_mean() -> None:
    losses = token_losses(tiny_model()(input_ids=INPUTS).logits, LABELS)
    torch.testing.assert_close(losses.detach(), expected_losses())
    torch.testing.assert_close(weighted_loss(losses, LABELS, WEIGHTS).detach(), expected_mean())
    assert sample_losses(losses, LABELS).tolist() == pytest.approx([2.6, 2.6, 2.6], abs=0.5)


def test_parts_with_a_common_total_add_up_to_the_whole() -> None:
    logits = tiny_model()(input_ids=INPUTS).logits
    total = token_weight(LABELS, WEIGHTS)
    parts = [
        weighted_loss(token_losses(logits[part], LABELS[part]), LABELS[part], WEIGHTS[part], total=total)
        for part in (slice(0, 1), slice(1, 3))
    ]
    torch.testing.assert_close(torch.stack(parts).sum().detach(), expected_mean())


def sft(folder: Path, **options: Any) -> SFTTrainer:
    arguments = settings(SFTConfig, str(folder), max_length=32, **options)
    dataset = Dataset.from_list([{"text": text_of(number)} for number in range(4)])
    return SFTTrainer(tiny_model(), arguments, train_dataset=dataset, processing_class=tiny_tokenizer())


def plain(folder: Path, **options: Any) -> Trainer:
    return Trainer(tiny_model(), settings(TrainingArguments, str(folder), **options))


def dpo(folder: Path, **options: Any) -> DPOTrainer:
    arguments = settings(DPOConfig, str(folder), max_length=32, **options)
    model, reference = tiny_model(seed=1), tiny_model(seed=2)
    dataset = Dataset.from_list(PREFERENCES)
    return DPOTrainer(model, reference, arguments, train_dataset=dataset, processing_class=tiny_tokenizer())


def dpo_of_an_adapter(folder: Path, **options: Any) -> DPOTrainer:
    """The reference is the model without its adapter."""
    arguments = settings(DPOConfig, str(folder), max_length=32, **options)
    adapter = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    dataset, tokenizer = Dataset.from_list(PREFERENCES), tiny_tokenizer()
    return DPOTrainer(
        tiny_model(), None, arguments, train_dataset=dataset, processing_class=tokenizer, peft_config=adapter
    )


def compute(trainer: Any, inputs: dict[str, Any], weights: torch.Tensor) -> tuple[TrainerLoss, float, Any]:
    loss = loss_of(trainer, trainer.compute_loss)
    counts = loss.counts(inputs, len(weights))
    scaled = weights * loss.scale(float(counts.sum()), float((counts * weights).sum()), 1)
    mean, of_samples = loss.compute(lambda: trainer.compute_loss(trainer.model, dict(inputs)), inputs, scaled)
    return loss, mean.item(), of_samples


@pytest.mark.parametrize("make", [plain, sft])
def test_token_losses_of_trainers(make: Callable[..., Any], tmp_path: Path) -> None:
    trainer = make(tmp_path)
    passes: list[int] = []
    trainer.model.register_forward_hook(lambda *_: passes.append(1))
    _, mean, of_samples = compute(trainer, batch(), WEIGHTS)
    assert len(passes) == 1
    assert mean == pytest.approx(expected_mean().item(), rel=1e-5)
    counts = (LABELS[:, 1:] != -100).sum(1)
    torch.testing.assert_close(of_samples, expected_losses().sum(1) / counts)


def test_weights_of_one_leave_the_loss_of_sft_as_it_is(tmp_path: Path) -> None:
    trainer: Any = sft(tmp_path)
    own = trainer.compute_loss(trainer.model, batch()).item()
    assert compute(trainer, batch(), torch.ones(3))[1] == own


@pytest.mark.parametrize("make", [dpo, dpo_of_an_adapter])
@pytest.mark.parametrize("loss_type", ["sigmoid", "hinge"])
def test_each_pair_has_a_loss(loss_type: str, make: Callable[..., Any], tmp_path: Path) -> None:
    trainer = make(tmp_path, loss_type=[loss_type])
    inputs = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    own = trainer.compute_loss(trainer.model, dict(inputs)).item()
    _, mean, pairs = compute(trainer, inputs, torch.ones(4))
    assert mean == pytest.approx(own, rel=1e-5)
    weights = torch.tensor([0.5, 0.0, 2.0, 1.0])
    assert compute(trainer, inputs, weights)[1] == pytest.approx(((weights * pairs).sum() / 3.5).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("make", "options", "obstacle"),
    [
        (plain, {"label_smoothing_factor": 0.1}, "label_smoothing_factor"),
        (sft, {"loss_type": "dft"}, "loss_type=dft"),
        (dpo, {"loss_type": ["ipo"]}, r"loss_type=['ipo']"),
    ],
)
def test_losses_that_leave_weights_no_place_are_named(
    make: Callable[..., Any], options: dict[str, Any], obstacle: str, tmp_path: Path
) -> None:
    trainer = make(tmp_path, **options)
    assert loss_of(trainer, trainer.compute_loss).obstacle == obstacle
