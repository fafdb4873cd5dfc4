"""Sample weights inside the loss of a causal language model, for training loops of your own.

A weight acts on every token of its sample before the mean: Σ w·l / Σ w over all tokens that count, those of the other
ranks and of accumulated batches included. `loraloop.trainer` does the same inside Hugging Face's and TRL's trainers.
"""

from __future__ import annotations

from loraloop.errors import MissingExtraError

try:
    import torch
    from torch.nn.functional import cross_entropy
except ImportError as missing:
    raise MissingExtraError('loraloop.loss needs PyTorch: pip install "loraloop[torch]"') from missing

__all__ = ["sample_losses", "token_losses", "token_weight", "weighted_loss"]

#: Tokens with this label do not count.
IGNORED = -100


def token_losses(logits: torch.Tensor, labels: torch.Tensor, *, shift: bool = True) -> torch.Tensor:
    """Cross entropy of each token, shape (samples, tokens); 0 where the label is -100.

    `shift` lets position i predict label i + 1, as causal models do; the result then has one token less.
    """
    if shift:
        logits, labels = logits[:, :-1], labels[:, 1:]
    classes_second = logits.float().movedim(-1, 1)
    return cross_entropy(classes_second, labels, reduction="none", ignore_index=IGNORED).reshape(len(labels), -1)


def token_counts(labels: torch.Tensor, *, shift: bool = True) -> torch.Tensor:
    """Tokens of each sample that count."""
    counting = (labels[:, 1:] if shift else labels) != IGNORED
    return counting.reshape(len(labels), -1).sum(1)


def sample_losses(losses: torch.Tensor, labels: torch.Tensor, *, shift: bool = True) -> torch.Tensor:
    """The mean loss of each sample, for `Run.report_losses`: detached; not a number where no token counts."""
    return losses.detach().sum(1) / token_counts(labels, shift=shift)


def token_weight(labels: torch.Tensor, weights: torch.Tensor, *, shift: bool = True) -> torch.Tensor:
    """Σ w over the tokens that count: what `weighted_loss` divides by."""
    return (weights * token_counts(labels, shift=shift)).sum()


def weighted_loss(
    losses: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor,
    *,
    total: torch.Tensor | None = None,
    shift: bool = True,
) -> torch.Tensor:
    """Σ w·l / Σ w over all tokens of a batch.

    With several ranks or accumulated batches, `total` is the sum of their `token_weight`s, and the losses of all of
    them add up to the whole: multiply by the number of ranks where gradients are averaged over ranks.
    """
    if total is None:
        total = token_weight(labels, weights, shift=shift)
    return (losses * weights[:, None]).sum() / total
