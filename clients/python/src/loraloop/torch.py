"""Samples for PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from loraloop._batch import Sample
from loraloop._state import StreamState, to_resume_point
from loraloop._stream import SampleStream
from loraloop._times import Time
from loraloop.client import Client
from loraloop.errors import ConfigurationError, MissingExtraError, WorkerStateError

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as missing:
    raise MissingExtraError('loraloop.torch needs PyTorch: pip install "loraloop[torch]"') from missing

__all__ = ["StreamingDataset"]


class StreamingDataset(IterableDataset[Any]):
    """A torch dataset over one stream: what `Client.stream` takes, and a `transform` for each sample.

    A pass begins at the first sample, or where the loaded state was until one pass has reached the end. `state_dict()`
    counts what the pass that began last has given out. One process reads the whole stream: `num_workers` is 0 or 1.
    With a worker, batches wait between it and the trainer, so the main process raises WorkerStateError instead.
    """

    def __init__(
        self,
        dataset: str | None = None,
        *,
        client: Client | None = None,
        spec: Mapping[str, Any] | None = None,
        snapshot: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        batch_size: int = 0,
        transform: Callable[[Sample], Any] | None = None,
    ) -> None:
        self._template: SampleStream = (client or Client()).stream(
            dataset,
            spec=spec,
            snapshot=snapshot,
            as_of=as_of,
            revision=revision,
            allow_open_ingest=allow_open_ingest,
            batch_size=batch_size,
        )
        self._transform = transform
        #: Of the pass that began last.
        self._stream: SampleStream | None = None
        self._loaded: StreamState | None = None
        # Shared with the worker, whose copy of this dataset is not the main process's.
        self._read_by_worker = _shared_flag()
        self._reached_end = _shared_flag()

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        if worker is not None and worker.num_workers > 1:
            raise ConfigurationError(
                f"num_workers is {worker.num_workers}: every worker would read all samples; use 0 or 1"
            )
        self._read_by_worker.fill_(worker is not None)
        self._stream = copy.copy(self._template)
        if self._loaded is not None and not self._reached_end:
            self._stream.load_state_dict(self._loaded)
        return self._pass(self._stream)

    def state_dict(self) -> StreamState:
        """All that is needed to go on after the samples that the last pass has given out; small plain JSON."""
        if get_worker_info() is None and self._read_by_worker:
            raise WorkerStateError("only the DataLoader's worker knows the position; use num_workers=0 to save it")
        if self._stream is not None:
            return self._stream.state_dict()
        return self._loaded or self._template.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Lets the next pass begin where `state` was. Whether it fits, the server says when the pass begins."""
        to_resume_point(state)
        self._loaded = dict(state)
        self._stream = None
        self._reached_end.fill_(False)
        self._read_by_worker.fill_(False)

    def _pass(self, stream: SampleStream) -> Iterator[Any]:
        for sample in stream:
            yield self._transform(sample) if self._transform else sample
        self._reached_end.fill_(True)


def _shared_flag() -> torch.Tensor:
    flag = torch.zeros((), dtype=torch.bool)
    flag.share_memory_()  # type: ignore[no-untyped-call]
    return flag
