from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch.utils.data import IterableDataset, get_worker_info

from loraloop._batch import Sample
from loraloop._block_cache import BlockCache
from loraloop._due import Due
from loraloop._plan import Mixture, MixtureSource, Plan, Share
from loraloop._plans import StoredPlan
from loraloop._ranks import is_distributed
from loraloop._sharding import refuse_second_sharding
from loraloop._shared import SharedJson
from loraloop._state import StreamState, to_resume_point
from loraloop._stream import SampleStream
from loraloop._stream_request import Compression
from loraloop._times import Time
from loraloop.client import Client
from loraloop.errors import ConfigurationError, WorkerStateError

if TYPE_CHECKING:
    from loraloop._runs import Run


#: Says the state of a pass.
Tracker: TypeAlias = "Callable[[], StreamState]"


class StreamingDataset(IterableDataset[Any]):
    """The samples of one rank, in the order of a plan: what `Client.stream` takes, and a `transform` for each sample.

    Samples are dicts, with `weight` where the stream is weighted, and with `record_id` and `index` by `with_ids`. `run`
    names a run instead of a source and a plan. Rank and world size are by default those of torch.distributed, else of
    RANK and WORLD_SIZE, else 0 of 1.

    A dataset's name is looked up again at each epoch: what was written to it since is in the next one, whose length may
    then differ from what `__len__` and `max_steps` said. A snapshot or a run pins all epochs to the same records.

    A pass begins at the first sample of the epoch, or where the loaded state was until one pass has reached the end.
    `state_dict()` counts what the pass that began last has given out; a pass that is left after its first sample was a
    look and counts for nothing. With several ranks it counts global batches. `StreamingDataLoader` gives batches and
    knows the state with any number of workers; with a plain DataLoader and workers, state_dict() raises
    WorkerStateError. What several processes read must be one and the same: name a snapshot, a revision or a run, load a
    state, or let StreamingDataLoader see to it.
    """

    def __init__(
        self,
        dataset: str | None = None,
        *,
        client: Client | None = None,
        spec: Mapping[str, Any] | None = None,
        snapshot: str | None = None,
        split: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        shuffle: bool | int = False,
        shuffle_seed: int = 0,
        global_batch_size: int = 1,
        drop_last: bool = False,
        weights: Literal["loss", "sampling"] = "loss",
        mixture: Mixture | None = None,
        run: Run | str | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        cache: BlockCache | None = None,
        compression: Compression = "none",
        transform: Callable[[Sample], Any] | None = None,
        with_ids: bool = False,
    ) -> None:
        self._client = client or Client()
        self.rank, self.world_size = _find_rank(rank, world_size)
        self.run: Run | None = self._client.runs.attach(run) if isinstance(run, str) else run
        self.transform = transform
        self.with_ids = with_ids
        self._source: dict[str, Any] = {
            **{"dataset": dataset, "spec": spec, "snapshot": snapshot, "split": split},
            **{"as_of": as_of, "revision": revision, "allow_open_ingest": allow_open_ingest},
        }
        self._plan = Plan(0, shuffle_seed, shuffle, global_batch_size, drop_last, weights, mixture)
        self._delivery: dict[str, Any] = {"cache": cache, "compression": compression, "with_ids": with_ids}
        self._stored: StoredPlan | None = None
        #: Seen by the workers of a plain DataLoader too.
        self._position = _first_position()
        self._read_by_worker = _shared_flag()
        self._reached_end = _shared_flag()
        #: Says the state of the pass that began last.
        self._tracker: Tracker | None = None
        #: Where StatefulDataLoader says that this worker was.
        self._worker_state: StreamState | None = None
        self.open_stream(Share())

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        self._read_by_worker.fill_(worker is not None)
        stream = self._begin_in_main() if worker is None else self._begin_in_worker(worker.id, worker.num_workers)
        previous, self._tracker = self._tracker, stream.state_dict if worker is None else stream.worker_state_dict
        return self._pass(stream, self._tracker, previous)

    def __len__(self) -> int:
        """Samples of this rank in the epoch. Waits until the snapshots are sealed."""
        plan = self.stored_plan
        due = Due(self.rank, self.world_size, 1, plan.spec.global_batch_size, plan.sample_count, 0)
        return due.rank_sample_count()

    @property
    def size(self) -> int:
        """Samples of the epoch, of all ranks together."""
        return self.stored_plan.sample_count

    @property
    def epoch(self) -> int:
        """The epoch of the next pass, or of the one that goes on."""
        return int(self._position.get()["epoch"])

    @property
    def global_batch_size(self) -> int:
        """Samples of one forward-backward step of all ranks."""
        return self._plan.global_batch_size if self.run is None else self.stored_plan.spec.global_batch_size

    @property
    def stored_plan(self) -> StoredPlan:
        """The plan of the epoch, as the server keeps it."""
        loaded = self._tracker() if self._tracker else self._position.get()["loaded"]
        wanted = loaded["plan"] if loaded is not None else None
        if self._stored is None or self._stored.spec.epoch != self.epoch or wanted not in (None, self._stored.hash):
            self._stored = (
                self._client.plans.get(hash=wanted) if wanted else self._client.plans.get(**self._request(self.epoch))
            )
        return self._stored

    def max_steps(self, epochs: int = 1, gradient_accumulation_steps: int = 1) -> int:
        """Optimizer steps of so many epochs; the last one of an epoch may have fewer batches."""
        return self._client.plans.max_steps(
            self.stored_plan.hash, epochs=epochs, gradient_accumulation_steps=gradient_accumulation_steps
        )

    def set_epoch(self, epoch: int) -> None:
        """Lets the next pass be of this epoch, from its first sample. One below that of a loaded state is ignored.

        Raises ConfigurationError where Accelerate is about to divide the samples of one rank among all ranks again.
        """
        if self.world_size > 1:
            refuse_second_sharding(self)
        position = self._position.get()
        if epoch != position["epoch"] and epoch >= position["lowest_epoch"]:
            self._position.set({**position, "epoch": epoch, "loaded": None})
            self._tracker = None

    def state_dict(self) -> StreamState:
        """All that is needed to go on after the samples that the last pass has given out; small plain JSON.

        In a worker (torchdata's StatefulDataLoader) it is the position of this worker, for the same worker of as many.
        """
        if get_worker_info() is None and self._read_by_worker:
            raise WorkerStateError("only the DataLoader's workers know the position; use StreamingDataLoader")
        if self._tracker is not None:
            return self._tracker()
        loaded: StreamState | None = self._position.get()["loaded"]
        return loaded or self.open_stream(Share(self.rank, self.world_size)).state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Lets the next pass begin where `state` was. Whether it fits, the server says when the pass begins."""
        to_resume_point(state)
        if get_worker_info() is not None:
            self._worker_state = dict(state)
            return
        epoch = state["epoch"]
        self._position.set({"epoch": epoch, "lowest_epoch": epoch, "loaded": dict(state)})
        self._tracker = None
        self._reached_end.fill_(False)
        self._read_by_worker.fill_(False)

    def open_stream(
        self, share: Share, resume: Mapping[str, Any] | None = None, epoch: int | None = None
    ) -> SampleStream:
        """A stream of an epoch (by default the one that is set) for a share; nothing is sent before it is read."""
        request = self._request(self.epoch if epoch is None else epoch)
        return self._client.stream(**request, **self._delivery, **vars(share), resume=resume)

    @property
    def start(self) -> StreamState | None:
        """The loaded state where the next pass begins; None at the epoch's first sample."""
        loaded: StreamState | None = self._position.get()["loaded"]
        return None if self._reached_end else loaded

    @property
    def is_pinned(self) -> bool:
        """Whether every process that opens a stream of this reads the same records."""
        mixture = self._plan.mixture
        if self.run is not None or mixture is None:
            return self.run is not None or _is_pinned(self._source["snapshot"], self._source["revision"])
        sources: list[MixtureSource] = list(mixture.sources)
        return all(_is_pinned(source.snapshot, source.revision) for source in sources)

    def whole(self, batch_size: int = 1) -> StreamingDataset:
        """Each sample of all ranks once for one reader, in batches of that size, with a position of its own.

        Raises ConfigurationError for a run's, whose plan says what comes.
        """
        if self.run is not None:
            raise ConfigurationError("a run's dataset trains: evaluate one of a dataset, a spec or a snapshot")
        whole = copy.copy(self)
        whole.rank, whole.world_size = 0, 1
        whole._plan = replace(self._plan, global_batch_size=batch_size, drop_last=False, weights="loss")
        whole._position, whole._read_by_worker, whole._reached_end = _first_position(), _shared_flag(), _shared_flag()
        whole._stored = whole._tracker = whole._worker_state = None
        return whole

    def track(self, tracker: Tracker) -> None:
        """Lets somebody else say the state."""
        self._read_by_worker.fill_(False)
        self._tracker = tracker

    def finish_pass(self) -> None:
        """Lets the next pass begin at the epoch's first sample."""
        self._reached_end.fill_(True)

    def __getstate__(self) -> dict[str, Any]:
        """A copy, as a worker's, has begun no pass."""
        return {**self.__dict__, "_tracker": None}

    def _begin_in_main(self) -> SampleStream:
        return self.open_stream(Share(self.rank, self.world_size), self.start)

    def _begin_in_worker(self, worker: int, worker_count: int) -> SampleStream:
        share = Share(self.rank, self.world_size, worker, worker_count)
        if self._worker_state is not None:
            stream = self.open_stream(share)
            stream.load_worker_state_dict(self._worker_state)
            return stream
        start = self.start
        if worker_count > 1 and (start is not None or not self.is_pinned):
            raise ConfigurationError(
                f"{worker_count} workers of a plain DataLoader must read the same from the start: use "
                "StreamingDataLoader, or name a snapshot, a revision or a run and load no state"
            )
        return self.open_stream(share, start)

    def _pass(self, stream: SampleStream, tracker: Tracker, previous: Tracker | None) -> Iterator[Any]:
        samples = iter(stream) if self.transform is None else map(self.transform, stream)
        try:
            yield from islice(samples, 1)
        except GeneratorExit:
            if self._tracker == tracker:
                self._tracker = previous
            raise
        yield from samples
        self._worker_state = None
        self.finish_pass()

    def _request(self, epoch: int) -> dict[str, Any]:
        if self.run is not None:
            return {**self._source, "run": self.run.id, "epoch": epoch}
        return {**self._source, "plan": replace(self._plan, epoch=epoch)}


def _is_pinned(snapshot: str | None, revision: int | None) -> bool:
    return snapshot is not None or revision is not None


def _find_rank(rank: int | None, world_size: int | None) -> tuple[int, int]:
    if rank is None and world_size is None and is_distributed():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    if rank is None:
        rank = int(os.environ.get("RANK", "0"))
    return rank, int(os.environ.get("WORLD_SIZE", "1")) if world_size is None else world_size


def _first_position() -> SharedJson:
    return SharedJson({"epoch": 0, "lowest_epoch": 0, "loaded": None})


def _shared_flag() -> torch.Tensor:
    flag = torch.zeros((), dtype=torch.bool)
    flag.share_memory_()  # type: ignore[no-untyped-call]
    return flag
