from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from loraloop._plan import Share
from loraloop.export.v1 import export_service_pb2 as pb

_ENDLESS = 2**63


@dataclass(frozen=True)
class Due:
    """Which indices a share of a plan is due: of every global batch in its turn, the part of its rank.

    Of a global batch of m samples, rank r of W takes positions floor(r m / W) to floor((r + 1) m / W) - 1. A worker's
    turns are `first_batch` and every `worker_count`-th batch after it.
    """

    rank: int
    world_size: int
    worker_count: int
    global_batch_size: int
    sample_count: int
    first_batch: int

    @classmethod
    def of(cls, share: Share, header: pb.Header) -> Due:
        """Of a call whose share is `share`, from its header. A snapshot that is being built has no end yet."""
        batch_size = header.plan.spec.global_batch_size or 1
        if header.HasField("plan"):
            count = header.plan.sample_count
        else:
            count = header.sample_count if header.HasField("sample_count") else _ENDLESS
        first_batch = header.resume.next_index // batch_size + share.worker
        return cls(share.rank, share.world_size, share.worker_count, batch_size, count, first_batch)

    @property
    def is_whole(self) -> bool:
        return self.world_size == 1 and self.worker_count == 1

    def from_index(self, index: int) -> int:
        """The first due index that is not below `index`; the sample count after the last."""
        if self.is_whole:
            return index
        batch = max(index // self.global_batch_size, self.first_batch)
        batch += (self.first_batch - batch) % self.worker_count
        while batch * self.global_batch_size < self.sample_count:
            span = self.span(batch)
            if max(span.start, index) < span.stop:
                return max(span.start, index)
            batch += self.worker_count
        return self.sample_count

    def span(self, batch: int) -> range:
        """The part of a global batch that belongs to the rank."""
        start = batch * self.global_batch_size
        size = min(self.global_batch_size, self.sample_count - start)
        return range(start + self.rank * size // self.world_size, start + (self.rank + 1) * size // self.world_size)

    def take(self, index: int, runs: Iterable[pb.IndexRun]) -> int:
        """The due index after these runs. Raises ValueError unless they are what is due from `index` on."""
        for run in runs:
            if run.first != index:
                raise ValueError(f"index {run.first} came where {index} was due")
            if self.is_whole:
                index += run.count
                continue
            if run.count > (left := self.span(index // self.global_batch_size).stop - index):
                raise ValueError(f"{run.count} samples came at index {index} where {left} were due")
            index = self.from_index(index + run.count)
        return index

    def rank_sample_count(self) -> int:
        """Samples of the rank in the whole plan, its workers together."""
        whole, rest = divmod(self.sample_count, self.global_batch_size)
        return whole * len(self.span(0)) + (len(self.span(whole)) if rest else 0)
