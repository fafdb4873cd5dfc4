from __future__ import annotations

from collections.abc import Iterator

from loraloop._batch import Sample
from loraloop._due import Due
from loraloop._stream import SampleStream


def rank_batches(stream: SampleStream, due: Due, *, with_ids: bool) -> Iterator[tuple[int, list[Sample]]]:
    """The rank's part of each global batch that the stream brings, with the batch's number.

    After a resume inside of a batch, the first one has what is left of it.
    """
    pending: list[Sample] = []
    for frame in stream.batches():
        samples = frame.samples(with_ids=with_ids)
        taken = 0
        for run in frame.index_runs:
            first = run.start
            while first < run.stop:
                batch = first // due.global_batch_size
                end = due.span(batch).stop
                count = min(end, run.stop) - first
                pending += samples[taken : taken + count]
                taken += count
                first += count
                if first == end:
                    yield batch, pending
                    pending = []
