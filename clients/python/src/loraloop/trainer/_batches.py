from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import torch

from loraloop._batch import Sample

#: Keys that the mix-in adds to a batch and takes out again before the model sees it.
WEIGHT = "loraloop_weight"
INDEX = "loraloop_index"


class Features:
    """Makes of a sample what a trainer's collator takes: transformed, without what the stream says beside it.

    A transform need not keep weight and index, and may change the weight.
    """

    def __init__(self, *transforms: Callable[[Sample], Sample] | None) -> None:
        self._transforms = [transform for transform in transforms if transform is not None]

    def __call__(self, sample: Sample) -> tuple[Sample, float]:
        """The features and the weight."""
        made = {key: value for key, value in sample.items() if key not in ("index", "record_id")}
        for transform in self._transforms:
            made = transform(made)
        made = dict(made)
        return made, float(made.pop("weight", sample.get("weight", 1.0)))


class TaggingCollator:
    """Transforms and collates samples, and keeps weight and index of each beside what the model gets."""

    def __init__(self, collate: Callable[[list[Any]], Any], features: Features) -> None:
        self._collate = collate
        self._features = features

    def __call__(self, samples: list[Sample]) -> MutableMapping[str, Any]:
        features, weights = zip(*map(self._features, samples), strict=True)
        batch: MutableMapping[str, Any] = self._collate(list(features))
        batch[WEIGHT] = torch.tensor(weights)
        batch[INDEX] = torch.tensor([sample["index"] for sample in samples])
        return batch
