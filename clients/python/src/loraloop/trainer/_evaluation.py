from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

from accelerate.data_loader import DataLoaderStateMixin
from accelerate.state import GradientState, PartialState
from accelerate.utils import broadcast_object_list

from loraloop._batch import Sample
from loraloop._plan import Share
from loraloop.torch import StreamingDataLoader, StreamingDataset
from loraloop.trainer._batches import Features


class EvaluationLoader(DataLoaderStateMixin):  # type: ignore[misc]
    """All samples of a dataset for `Trainer.evaluate`: each once over all ranks, from the first one at every pass.

    Every rank reads and transforms all of them, with `options` of StreamingDataLoader, and collates its part. Trainer
    gathers equally many of each rank: the last batch of a rank is filled up with samples of its own, and what
    `remainder` says is too much is cut off.
    """

    def __init__(
        self,
        dataset: StreamingDataset,
        features: Features,
        collate: Callable[[list[Any]], Any],
        batch_size: int,
        **options: Any,
    ) -> None:
        self._processes = PartialState()
        self._batch_size = batch_size
        self._collate = collate
        self.total_batch_size: int = batch_size * self._processes.num_processes
        self.dataset = dataset.whole(self.total_batch_size)
        # Part of `features`.
        self.dataset.transform = None
        self._loader = _Unannounced(self.dataset, collate_fn=_Counted(features), **options)
        self.gradient_state = GradientState()

    def __len__(self) -> int:
        """Batches, where nothing weighs nothing."""
        return math.ceil(len(self.dataset) / self.total_batch_size)

    def __iter__(self) -> Iterator[Any]:
        self._begin_at_the_same()
        self.begin()
        try:
            for samples in self._global_batches():
                yield self._collate(self._part(samples))
        finally:
            self.end()

    def _begin_at_the_same(self) -> None:
        """All ranks read the records that the first one finds."""
        states: list[Any] = [None]
        if self._processes.is_main_process:
            with self.dataset.open_stream(Share()) as stream:
                states = [stream.state_dict()]
        self._loader.load_state_dict(broadcast_object_list(states)[0])

    def _global_batches(self) -> Iterator[list[Sample]]:
        pending: list[Sample] = []
        for samples in self._loader:
            pending += samples
            while len(pending) > self.total_batch_size:
                yield pending[: self.total_batch_size]
                del pending[: self.total_batch_size]
        self.end_of_dataloader = True
        self.remainder = len(pending)
        if pending:
            yield pending

    def _part(self, samples: list[Sample]) -> list[Sample]:
        """Of each rank equally many; from where there are no more, any."""
        first = self._processes.process_index * self._batch_size
        own = samples[first : first + self._batch_size] or samples
        return list(islice(cycle(own), min(self._batch_size, len(samples))))


class _Unannounced(StreamingDataLoader):
    """What Accelerate is told of the pass, whoever reads this one says."""

    def _pass(self, progress: Any) -> Iterator[Any]:
        for delivered in self._deliver(progress):
            yield delivered.content


class _Counted:
    """The features of the samples that weigh anything."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def __call__(self, samples: list[Sample]) -> list[Sample]:
        return [features for features, weight in map(self._features, samples) if weight]
