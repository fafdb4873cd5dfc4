from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeAlias

import zstandard

from loraloop._batch import SampleBatch
from loraloop._due import Due
from loraloop._plan import Share
from loraloop._read_frame import Lines, read_frame
from loraloop.errors import ContentDamagedError
from loraloop.export.v1 import export_service_pb2 as pb
from loraloop.export.v1 import snapshot_pb2

#: What a frame with samples holds; lines come unpacked.
Content: TypeAlias = "SampleBatch | pb.ReferenceBatch"


class Frames:
    """The frames of one call: checks that nothing is missing, repeated or changed between header and footer."""

    def __init__(self, share: Share, first_index: int) -> None:
        self._share = share
        self._asked = first_index
        self._digest = hashlib.sha256()
        self._received = 0
        self.header: pb.Header | None = None
        #: Set once the stream has ended.
        self.footer: pb.Footer | None = None
        #: Of the build so far.
        self.statistics: snapshot_pb2.Statistics | None = None
        #: True once samples have come, or word of a build. References are none as long as their blocks do not come.
        self.progressed = False
        #: First index that is due and did not come yet.
        self.next_index = first_index

    @property
    def due(self) -> Due:
        """Known with the header."""
        return self._due

    def take(self, message: bytes) -> Content | None:
        """Takes the next frame. Returns what it holds where that is samples."""
        frame, packed = read_frame(message)
        kind = frame.WhichOneof("frame")
        if self.header is None:
            self._take_header(kind, frame.header)
            return None
        self.progressed = self.progressed or kind in ("batch", "checkpoint")
        if kind == "batch":
            lines = unpacked(packed, frame.batch.uncompressed_bytes)
            self._take_samples(frame.batch)
            self._update_digest(lines, frame.batch.segment_bytes)
            return SampleBatch.of(frame.batch, lines, self.next_index)
        if kind == "references":
            self._take_samples(frame.references)
            return frame.references
        if kind == "footer":
            self._take_footer(frame.footer)
        if kind == "checkpoint":
            self.statistics = frame.checkpoint.statistics
        return None

    def _take_header(self, kind: str | None, header: pb.Header) -> None:
        if kind != "header":
            raise damaged("the stream does not begin with a header")
        if header.resume.next_index != self._asked:
            raise damaged(f"the stream begins at {header.resume.next_index} where {self._asked} was due")
        self._due = Due.of(self._share, header)
        self.next_index = self._due.from_index(self._asked)
        self.header = header

    def _take_samples(self, content: pb.Batch | pb.ReferenceBatch) -> None:
        try:
            self.next_index = self._due.take(self.next_index, content.index_runs)
        except ValueError as error:
            raise damaged(str(error)) from None
        count = sum(run.count for run in content.index_runs)
        if len(content.ids) != count or len(content.weights_micros) not in (0, count):
            raise damaged(
                f"a batch of {count} samples has {len(content.ids)} ids and {len(content.weights_micros)} weights"
            )
        self._received += count

    def _update_digest(self, lines: Lines, segment_bytes: Iterable[int]) -> None:
        view = memoryview(lines)
        end = 0
        for size in segment_bytes:
            self._digest.update(hashlib.sha256(view[end : end + size]).digest())
            end += size
        if end != len(lines):
            raise damaged(f"the segments of a batch cover {end} of {len(lines)} bytes")

    def _take_footer(self, footer: pb.Footer) -> None:
        if footer.sample_count != self._received:
            raise damaged(f"{footer.sample_count} samples were sent, {self._received} came")
        if self._due.from_index(footer.next_index) != self.next_index:
            raise damaged(f"the stream ended at {footer.next_index} where {self.next_index} was due")
        if footer.lines_digest != self._digest.digest():
            raise damaged("the samples that came do not have the digest of those that were sent")
        self.footer = footer


def unpacked(lines: Lines, uncompressed_bytes: int) -> Lines:
    """The lines as they were before they were packed; 0 bytes say that they were not."""
    if uncompressed_bytes == 0:
        return lines
    try:
        whole = zstandard.ZstdDecompressor().decompress(lines, max_output_size=uncompressed_bytes)
    except zstandard.ZstdError as error:
        raise damaged(f"a frame cannot be unpacked: {error}") from None
    if len(whole) != uncompressed_bytes:
        raise damaged(f"a frame of {uncompressed_bytes} bytes has {len(whole)}")
    return whole


def damaged(problem: str) -> ContentDamagedError:
    return ContentDamagedError(problem, code="DATA_LOSS")
