from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from loraloop._accelerate import begin_accelerate_pass
from loraloop._due import Due
from loraloop._plan import Share
from loraloop._rank_batches import rank_batches
from loraloop._ranks import gather_from_all_ranks, is_distributed
from loraloop._shared import SharedJson
from loraloop._state import StreamState, merge_states, to_state
from loraloop._streaming_dataset import StreamingDataset
from loraloop.errors import ConfigurationError, LoraloopError


class _Delivered(NamedTuple):
    """One rank batch on its way from a worker."""

    turn: int
    batch: int
    #: Where every rank stands once it has consumed its part of this batch.
    state: StreamState
    #: Whether the epoch ends with it.
    is_last: bool
    content: Any


class StreamingDataLoader(DataLoader[Any]):
    """The rank's part of each global batch, collated: one batch a step, the same for any number of workers.

    `state_dict()` counts batches that the loop was given, in the main process, whatever the workers have read ahead. A
    pass begins at the first batch of the epoch, or where the loaded state was until one pass has reached the end.
    Transform and `collate_fn` (a list by default) run in the workers, which open connections of their own: fork and
    spawn both work. With torch.distributed, a pass begins with an exchange between the ranks: those without a state
    read what rank 0 reads, and states that differ are refused (ResumeOtherRankError).

    With Accelerate, `accelerator.accumulate` ends a step at the end of each epoch, and batches stay where `collate_fn`
    made them: `accelerate.utils.send_to_device(batch, accelerator.device)` moves one.
    """

    dataset: StreamingDataset
    # For Accelerate: `prepare` leaves this loader as it is, `save_state` and `load_state` keep its state.
    _is_accelerate_prepared = True
    use_stateful_dataloader = True

    def __init__(
        self,
        dataset: StreamingDataset,
        *,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        prefetch_factor: int | None = None,
        multiprocessing_context: Any = None,
        persistent_workers: bool = False,
        pin_memory: bool = False,
        worker_init_fn: Callable[[int], None] | None = None,
        timeout: float = 0,
    ) -> None:
        options: dict[str, Any] = {
            **{"num_workers": num_workers, "prefetch_factor": prefetch_factor, "pin_memory": pin_memory},
            **{"multiprocessing_context": multiprocessing_context, "persistent_workers": persistent_workers},
            **{"worker_init_fn": worker_init_fn, "timeout": timeout},
            # A pass draws the workers' seed, and must not take it from the random numbers that a checkpoint restores.
            "generator": torch.Generator().manual_seed(torch.initial_seed()),
        }
        super().__init__(dataset, batch_size=None, collate_fn=collate_fn or _as_list, **options)
        self._batches = _RankBatches(dataset, collate_fn or _as_list)
        # What is read here has more to it than batches; the loader itself is for those who look at its options.
        self._inner = DataLoader(self._batches, batch_size=None, collate_fn=_as_it_is, **options)
        self._turn = 0

    def __len__(self) -> int:
        """Batches of the epoch: equal on all ranks."""
        return self.dataset.stored_plan.global_batch_count

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        start = self._find_start()
        self._turn += 1
        self._batches.begin(self._turn, self.dataset.epoch, start)
        return self._pass(_Progress(self._turn))

    @property
    def epoch(self) -> int:
        """The epoch of the next pass, or of the one that goes on."""
        return self.dataset.epoch

    def set_epoch(self, epoch: int) -> None:
        """As `StreamingDataset.set_epoch`."""
        self.dataset.set_epoch(epoch)

    def state_dict(self) -> StreamState:
        """All that is needed to go on after the batches that the last pass has given out; small plain JSON."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Lets the next pass begin where `state` was, with any number of ranks and workers."""
        self.dataset.load_state_dict(state)

    def _pass(self, progress: _Progress) -> Iterator[Any]:
        with begin_accelerate_pass() as begun:
            for delivered in self._deliver(progress):
                begun.end_of_dataloader = delivered.is_last
                yield delivered.content

    def _deliver(self, progress: _Progress) -> Iterator[_Delivered]:
        for delivered in self._inner:
            progress.take(delivered)
            self.dataset.track(progress.state)
            yield delivered
        self.dataset.finish_pass()

    def _find_start(self) -> StreamState | None:
        """Where the pass begins, the same for all readers; None where this process is the only one."""
        start = self.dataset.start
        if self.dataset.world_size > 1:
            return self._agree(start)
        return start if start is not None or self.num_workers == 0 else self._first_state()

    def _agree(self, start: StreamState | None) -> StreamState:
        if not is_distributed():
            if start is None and not self.dataset.is_pinned:
                raise ConfigurationError(
                    f"{self.dataset.world_size} ranks must read the same: initialize torch.distributed first, or name "
                    "a snapshot, a revision or a run"
                )
            return start or self._first_state()
        mine = start or (self._first_state() if self.dataset.rank == 0 else None)
        states = gather_from_all_ranks(mine)
        first = next(state for state in states if state is not None)
        return merge_states([state or first for state in states])

    def _first_state(self) -> StreamState:
        with self.dataset.open_stream(Share(self.dataset.rank, self.dataset.world_size)) as stream:
            return stream.state_dict()


class _Progress:
    """What a pass has given out."""

    def __init__(self, turn: int) -> None:
        self._turn = turn
        self._newest: _Delivered | None = None

    def state(self) -> StreamState:
        assert self._newest is not None
        return self._newest.state

    def take(self, delivered: _Delivered) -> None:
        """Raises LoraloopError unless it is the next batch of this pass."""
        newest = self._newest
        if delivered.turn != self._turn or (newest is not None and delivered.batch != newest.batch + 1):
            raise LoraloopError(
                f"batch {delivered.batch} of pass {delivered.turn} came after batch {newest and newest.batch} of pass "
                f"{self._turn}: only one pass over a loader can go on at a time"
            )
        self._newest = delivered


class _RankBatches(IterableDataset[_Delivered]):
    """What a worker reads: its turns of the rank's batches, in the pass that the main process began last."""

    def __init__(self, dataset: StreamingDataset, collate: Callable[[list[Any]], Any]) -> None:
        self._dataset = dataset
        self._collate = collate
        self._pass = SharedJson(None)

    def begin(self, turn: int, epoch: int, start: StreamState | None) -> None:
        self._pass.set({"turn": turn, "epoch": epoch, "start": start})

    def __iter__(self) -> Iterator[_Delivered]:
        dataset, worker, begun = self._dataset, get_worker_info(), self._pass.get()
        place = (worker.id, worker.num_workers) if worker is not None else (0, 1)
        share = Share(dataset.rank, dataset.world_size, *place)
        with dataset.open_stream(share, begun["start"], begun["epoch"]) as stream:
            due = Due.of(share, stream.header)
            point = to_state(stream.header.resume, 0)
            for batch, samples in rank_batches(stream, due, with_ids=dataset.with_ids):
                consumed = min((batch + 1) * due.global_batch_size, due.sample_count)
                content = samples if dataset.transform is None else [dataset.transform(sample) for sample in samples]
                state, is_last = {**point, "next_index": consumed}, consumed == due.sample_count
                yield _Delivered(begun["turn"], batch, state, is_last, self._collate(content))


def _as_list(samples: list[Any]) -> list[Any]:
    return samples


def _as_it_is(delivered: Any) -> Any:
    return delivered
