from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import torch

#: Keys that the mix-in adds to a batch and takes out again before the model sees it.
WEIGHT = "loraloop_weight"
INDEX = "loraloop_index"


class TaggingCollator:
    """Transforms and collates samples, and keeps weight and index of each beside what the model gets.

    A transform need not keep them, and may change the weight.
    """

    def __init__(
        self,
        collate: Callable[[list[Any]], Any],
        transforms: Iterable[Callable[[dict[str, Any]], dict[str, Any]] | None],
    ) -> None:
        self._collate = collate
        self._transforms = [transform for transform in transforms if transform is not None]

    def __call__(self, samples: list[dict[str, Any]]) -> MutableMapping[str, Any]:
        weights: list[float] = []
        features: list[dict[str, Any]] = []
        for sample in samples:
            made = self._transform({key: value for key, value in sample.items() if key not in ("index", "record_id")})
            weights.append(float(made.pop("weight", sample.get("weight", 1.0))))
            features.append(made)
        batch: MutableMapping[str, Any] = self._collate(features)
        batch[WEIGHT] = torch.tensor(weights)
        batch[INDEX] = torch.tensor([sample["index"] for sample in samples])
        return batch

    def _transform(self, sample: dict[str, Any]) -> dict[str, Any]:
        for transform in self._transforms:
            sample = transform(sample)
        return dict(sample)
