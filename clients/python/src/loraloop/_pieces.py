from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loraloop._batch import SampleBatch
from loraloop._block_maps import Block
from loraloop._frames import damaged
from loraloop.export.v1 import export_service_pb2 as pb

# About what the processor's cache holds while the lines become samples.
_PIECE_BYTES = 256 * 1024


class FrameLines:
    """The lines of a frame of references, in order, as their blocks come.

    Samples that lie side by side in a block are cut out of it together.
    """

    def __init__(self, references: pb.ReferenceBatch) -> None:
        blocks = references.blocks[:]
        self._offsets, self._lengths = references.offsets[:], references.lengths[:]
        #: Place of the first sample of each part, and the end of the last.
        self._starts = [*_starts(blocks, self._offsets, self._lengths), len(blocks)]
        self._parts = [b""] * (len(self._starts) - 1)
        self._parts_of_block: list[list[int]] = [[] for _ in references.block_digests]
        for part, start in enumerate(self._starts[:-1]):
            self._parts_of_block[blocks[start]].append(part)
        self._given = 0

    def take(self, place: int, block: Block) -> None:
        """Cuts out what lies in a block; `place` is its place in the frame."""
        for part in self._parts_of_block[place]:
            first, last = self._starts[part], self._starts[part + 1] - 1
            start, stop = self._offsets[first], self._offsets[last] + self._lengths[last]
            self._parts[part] = block[start:stop]
            if not 0 < stop - start == len(self._parts[part]):
                raise damaged("references lie outside of their blocks")

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Lines and their number, once, as far as they came without a gap."""
        parts = self._parts
        while self._given < len(parts) and parts[self._given]:
            first, size = self._given, 0
            while self._given < len(parts) and parts[self._given] and size < _PIECE_BYTES:
                size += len(parts[self._given])
                self._given += 1
            lines = b"".join(parts[first : self._given])
            parts[first : self._given] = [b""] * (self._given - first)
            yield self._starts[self._given] - self._starts[first], lines


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


def _starts(blocks: Sequence[int], offsets: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """The places of samples that do not lie behind the one before them, or that begin another piece."""
    starts: list[int] = []
    block = begin = end = -1
    for place, (its_block, offset, length) in enumerate(zip(blocks, offsets, lengths, strict=True)):
        if its_block != block or offset != end or end - begin >= _PIECE_BYTES:
            starts.append(place)
            block, begin = its_block, offset
        end = offset + length
    return starts


def _cut(runs: Sequence[range], first: int, end: int) -> list[range]:
    """The indices from one place to another."""
    cut: list[range] = []
    for run in runs:
        cut.append(run[max(0, first) : max(0, end)])
        first, end = first - len(run), end - len(run)
    return [run for run in cut if run]
