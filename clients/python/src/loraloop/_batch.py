from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from loraloop._read_frame import Lines
from loraloop.errors import ContentDamagedError
from loraloop.export.v1 import export_service_pb2 as pb

#: One sample: the rendered JSON object, with `weight` as its last key where the stream is weighted.
Sample: TypeAlias = "dict[str, Any]"
_MICROS = 1_000_000
# Three quarters of orjson's time, which turns text that is not all ASCII into strings slowly.
_decode_lines = msgspec.json.Decoder(dict[str, Any]).decode_lines


class SampleBatch:
    """The samples of one frame, in order."""

    __slots__ = ("_ids", "_lines", "_runs", "_weights_micros", "next_index")

    def __init__(
        self,
        lines: Lines,
        ids: Sequence[str],
        weights_micros: Sequence[int],
        runs: Sequence[range],
        next_index: int,
    ) -> None:
        self._lines = lines
        self._ids = ids
        self._weights_micros = weights_micros
        self._runs = runs
        #: The first index that is due after this batch.
        self.next_index = next_index

    @classmethod
    def of(cls, content: pb.Batch, lines: Lines, next_index: int) -> SampleBatch:
        """Of a frame, its lines, and what is due after it."""
        runs = [range(run.first, run.first + run.count) for run in content.index_runs]
        return cls(lines, content.ids, content.weights_micros, runs, next_index)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def indices(self) -> Sequence[int]:
        """Index of each sample."""
        return self._runs[0] if len(self._runs) == 1 else [index for run in self._runs for index in run]

    @property
    def index_runs(self) -> Sequence[range]:
        """The indices as runs of consecutive ones; of a share with several ranks or workers, one run a global batch."""
        return self._runs

    @property
    def ids(self) -> Sequence[str]:
        """Id of each sample's record."""
        return self._ids

    @property
    def weights(self) -> list[float] | None:
        """Weight of each sample; None where the stream is not weighted."""
        return [micros / _MICROS for micros in self._weights_micros] or None

    def samples(self, *, with_ids: bool = False) -> list[Sample]:
        """The samples as dicts; `with_ids` adds `record_id` and `index`."""
        samples: list[Sample] = _decode_lines(self._lines)
        if len(samples) != len(self):
            raise ContentDamagedError(f"a batch of {len(self)} samples has {len(samples)} lines", code="DATA_LOSS")
        for sample, micros in zip(samples, self._weights_micros, strict=False):
            sample["weight"] = micros / _MICROS
        if with_ids:
            for sample, record_id, index in zip(samples, self._ids, self.indices, strict=True):
                sample["record_id"] = record_id
                sample["index"] = index
        return samples

    def lines(self) -> list[bytes]:
        """The samples as JSON with a line feed each, byte for byte as `loraloop stream` prints them."""
        lines = bytes(self._lines).splitlines(keepends=True)
        if not self._weights_micros:
            return lines
        return [
            b'%b%b"weight":%b}\n' % (line[:-2], b"" if line == b"{}\n" else b",", weight_text(micros))
            for line, micros in zip(lines, self._weights_micros, strict=True)
        ]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples())

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and other processes: apart from the memory of the message."""
        content = (bytes(self._lines), list(self._ids), list(self._weights_micros), self._runs, self.next_index)
        return SampleBatch, content


def weight_text(micros: int) -> bytes:
    """A weight in 10^-6 as it stands in a line: no exponent, no trailing zeros, at least one decimal."""
    decimals = f"{micros % _MICROS:06d}".rstrip("0") or "0"
    return f"{micros // _MICROS}.{decimals}".encode()
