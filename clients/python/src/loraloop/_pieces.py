from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loraloop._batch import SampleBatch
from loraloop.export.v1 import export_service_pb2 as pb


def batches(
    references: pb.ReferenceBatch, pieces: Iterable[tuple[int, bytes]], next_index: int
) -> Iterator[SampleBatch]:
    """The samples of a frame in batches, as their counts and lines come; `next_index` is due after the last one."""
    runs = [range(run.first, run.first + run.count) for run in references.index_runs]
    first = 0
    for count, lines in pieces:
        part = slice(first, first + count)
        first += count
        rest = _cut(runs, first, len(references.ids))
        following = rest[0].start if rest else next_index
        yield SampleBatch(
            lines, references.ids[part], references.weights_micros[part], _cut(runs, part.start, part.stop), following
        )


def _cut(runs: Sequence[range], first: int, end: int) -> list[range]:
    """The indices from one place to another."""
    cut: list[range] = []
    for run in runs:
        cut.append(run[max(0, first) : max(0, end)])
        first, end = first - len(run), end - len(run)
    return [run for run in cut if run]
