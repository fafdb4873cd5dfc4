# ruff: noqa: ARG002 (the arguments of every event)
from __future__ import annotations

import math
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from loraloop._registry.values import AdapterVersion
from loraloop.client import Client
from loraloop.torch import StreamingDataLoader


class RegistrationCallback(TrainerCallback):
    """Registers the trained adapter when the training ends: `callbacks=[RegistrationCallback(client, "legal-qa")]`.

    `options` are those of `client.registry.register`. With a StreamingDataset of a run, that run is the version's.
    Without one, the last value of each logged metric whose name begins with `eval_` or `train_` is. Only the first
    process registers; `version` is what it made.
    """

    def __init__(self, client: Client, adapter: str, **options: Any) -> None:
        self._client = client
        self._options = {"adapter": adapter, **options}
        #: What was registered; None before the end of the training, and in other processes than the first.
        self.version: AdapterVersion | None = None

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        loader = objects["train_dataloader"]
        run = loader.dataset.run if isinstance(loader, StreamingDataLoader) else None
        known = {"run": run} if run is not None else {"metrics": _last_metrics(state)}
        self.version = self._client.registry.register(objects["model"], **{**known, **self._options})


def _last_metrics(state: TrainerState) -> dict[str, float]:
    last: dict[str, float] = {}
    for entry in state.log_history:
        last |= {name: value for name, value in entry.items() if name.startswith(("eval_", "train_"))}
    return {name: value for name, value in last.items() if math.isfinite(value)}
