from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import logsigmoid
from transformers import Trainer

from loraloop.errors import ConfigurationError
from loraloop.loss import sample_losses, token_counts, token_losses

#: Calls the trainer's own `compute_loss`.
Call = Callable[[], torch.Tensor]
#: The loss to train on, and the loss of each sample where it is known.
Losses = tuple[torch.Tensor, "torch.Tensor | None"]


class TrainerLoss:
    """A trainer's own loss, in which weights cannot act."""

    #: Whether it is divided by a number that all ranks count together.
    across_ranks = True

    def __init__(self, obstacle: str | None) -> None:
        #: Why weights other than 1 cannot act and losses of samples are not known; None where they do and are.
        self.obstacle = obstacle

    def counts(self, batch: Mapping[str, Any], samples: int) -> torch.Tensor:  # noqa: ARG002
        """How much each sample counts where all weights are 1."""
        return torch.ones(samples)

    def scale(self, counted: float, weighted: float, shares: int) -> float:  # noqa: ARG002
        """What weights are multiplied by for `compute`: of the sums over one step, which has so many batches."""
        return counted / weighted

    def compute(self, call: Call, inputs: Mapping[str, Any], weights: torch.Tensor) -> Losses:  # noqa: ARG002
        return call(), None


class TokenLoss(TrainerLoss):
    """Of transformers' `Trainer`: takes the place of the model's own loss, which knows no samples."""

    def __init__(self, trainer: Any) -> None:
        super().__init__(None)
        self.across_ranks = trainer.args.average_tokens_across_devices
        self._shift: bool = trainer._loss_shifts_labels
        self._weights: torch.Tensor | None = None
        self._of_samples: torch.Tensor | None = None
        trainer.compute_loss_func = self._mean

    def counts(self, batch: Mapping[str, Any], samples: int) -> torch.Tensor:
        if "labels" not in batch:
            raise ConfigurationError("a batch has no labels: give the trainer a compute_loss_func")
        if batch["labels"].is_floating_point():
            raise ConfigurationError("labels are no classes: give the trainer a compute_loss_func")
        counts = token_counts(batch["labels"], shift=self._shift)
        if len(counts) != samples:
            raise ConfigurationError(f"{samples} samples have {len(counts)} rows of labels")
        return counts

    def compute(self, call: Call, inputs: Mapping[str, Any], weights: torch.Tensor) -> Losses:  # noqa: ARG002
        self._weights = weights
        try:
            return call(), self._of_samples
        finally:
            self._weights = self._of_samples = None

    def _mean(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        losses = token_losses(outputs["logits"], labels, shift=self._shift)
        if num_items_in_batch is None:
            num_items_in_batch = token_counts(labels, shift=self._shift).sum()
        if self._weights is not None:
            self._of_samples = sample_losses(losses, labels, shift=self._shift)
            losses = losses * self._weights[:, None]
        mean: torch.Tensor = losses.sum() / num_items_in_batch
        return mean


class FusedTokenLoss(TrainerLoss):
    """Of TRL's `SFTTrainer`: scales the log-probabilities of each sample as they leave the model."""

    def __init__(self, trainer: Any) -> None:
        super().__init__(None)
        self.across_ranks = trainer.args.average_tokens_across_devices
        self._model: torch.nn.Module = trainer.model

    def counts(self, batch: Mapping[str, Any], samples: int) -> torch.Tensor:  # noqa: ARG002
        return token_counts(batch["labels"])

    def compute(self, call: Call, inputs: Mapping[str, Any], weights: torch.Tensor) -> Losses:  # noqa: ARG002
        of_samples: list[torch.Tensor] = []

        def scale(outputs: Any) -> None:
            of_samples.append(-outputs.log_probs.detach().sum(1) / outputs.label_mask.sum(1))
            outputs.log_probs = outputs.log_probs * weights[:, None]

        with _seen_outputs(scale, self._model):
            return call(), of_samples[0]


class PairLoss(TrainerLoss):
    """Of TRL's `DPOTrainer`: each pair's loss, from what the two models said to the trainer's own computation."""

    def __init__(self, trainer: Any) -> None:
        super().__init__(None)
        self._trainer = trainer

    def scale(self, counted: float, weighted: float, shares: int) -> float:  # noqa: ARG002
        # The trainer takes the mean over these batches of all ranks.
        return shares / weighted

    def compute(self, call: Call, inputs: Mapping[str, Any], weights: torch.Tensor) -> Losses:
        tokens = inputs["completion_mask"].shape[1] - 1
        said: list[torch.Tensor] = []
        models = [model for model in (self._trainer.model, self._trainer.ref_model) if model is not None]
        with _seen_outputs(lambda outputs: said.append(outputs.log_probs[:, -tokens:].sum(1)), *models):
            call()
        policy, reference = said
        chosen, rejected = (policy - reference).chunk(2)
        scaled: torch.Tensor = self._trainer.beta * (chosen - rejected)
        pairs = -logsigmoid(scaled) if self._trainer.loss_types == ["sigmoid"] else torch.relu(1 - scaled)
        return (pairs * weights).sum(), pairs.detach()


def loss_of(trainer: Any, own_compute_loss: Callable[..., Any]) -> TrainerLoss:
    """How sample weights get into the loss that `own_compute_loss` of that trainer computes."""
    trl = sys.modules.get("trl")
    if trl is not None and isinstance(trainer, trl.DPOTrainer):
        obstacle = _first(
            (trainer.loss_types not in (["sigmoid"], ["hinge"]), f"loss_type={trainer.loss_types}"),
            (trainer.loss_weights != [1.0], "loss_weights"),
            (trainer.f_divergence_type != "reverse_kl", "f_divergence_type"),
            (trainer.ld_alpha is not None, "ld_alpha"),
            (trainer.use_weighting, "use_weighting"),
            (trainer.aux_loss_enabled, "router_aux_loss_coef"),
        )
        return TrainerLoss(obstacle) if obstacle else PairLoss(trainer)
    obstacle = _first(
        (trainer.label_smoother is not None, "label_smoothing_factor"),
        (trainer.compute_loss_func is not None, "compute_loss_func"),
    )
    if trl is not None and isinstance(trainer, trl.SFTTrainer):
        obstacle = obstacle or _first(
            (trainer.padding_free, "padding_free"),
            (trainer.args.loss_type != "nll", f"loss_type={trainer.args.loss_type}"),
        )
        return TrainerLoss(obstacle) if obstacle else FusedTokenLoss(trainer)
    obstacle = obstacle or _first(
        (getattr(own_compute_loss, "__func__", None) is not Trainer.compute_loss, f"loss of {type(trainer).__name__}"),
        (getattr(trainer.model.config, "output_router_logits", False), "output_router_logits"),
    )
    return TrainerLoss(obstacle) if obstacle else TokenLoss(trainer)


def _first(*cases: tuple[bool, str]) -> str | None:
    return next((name for applies, name in cases if applies), None)


@contextmanager
def _seen_outputs(see: Callable[[Any], None], *models: torch.nn.Module) -> Iterator[None]:
    """Shows what those models return while their log-probabilities are asked for."""

    def hook(_model: torch.nn.Module, _inputs: Any, outputs: Any) -> None:
        if getattr(outputs, "log_probs", None) is not None:
            see(outputs)

    handles = [model.register_forward_hook(hook) for model in models]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
