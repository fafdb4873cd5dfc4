"""Trainers that say what they evaluate."""

from __future__ import annotations

from typing import Any

from transformers import Trainer
from trl import DPOTrainer, SFTTrainer

from loraloop.trainer import StreamingTrainerMixin
from tests.tiny import TOKENIZER


class Evaluated(StreamingTrainerMixin):
    #: The texts of each batch of each evaluation: of pairs, those that were chosen.
    evaluations: list[list[list[str]]]

    def evaluate(self, *args: Any, **options: Any) -> dict[str, float]:
        self.evaluations = [*getattr(self, "evaluations", []), []]
        return super().evaluate(*args, **options)

    def compute_loss(self, model: Any, inputs: Any, *options: Any, **named: Any) -> Any:
        if not model.training:
            rows = inputs["input_ids"]
            chosen = rows[: len(rows) // 2] if "completion_mask" in inputs else rows
            texts = [TOKENIZER.decode(row, skip_special_tokens=True) for row in chosen]
            getattr(self, "evaluations", [[]])[-1].append(texts)
        return super().compute_loss(model, inputs, *options, **named)


class EvaluatedTrainer(Evaluated, Trainer):
    pass


class EvaluatedSFTTrainer(Evaluated, SFTTrainer):
    pass


class EvaluatedDPOTrainer(Evaluated, DPOTrainer):
    pass
