from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import length_hint
from typing import Any, TypeVar

from loraloop._batch import SampleBatch
from loraloop._due import Due
from loraloop._frames import Frames
from loraloop._plan import Share
from loraloop._results import Statistics, from_statistics
from loraloop._state import StreamState, check_same_stream, to_resume_point, to_state
from loraloop.errors import ConfigurationError, UnavailableError, WorkerStateError
from loraloop.export.v1 import export_service_pb2 as pb

Part = TypeVar("Part")


class Cursor:
    """Where a stream is: what came, what was given out, and what a call that goes on has to ask for."""

    def __init__(self, request: pb.StreamSamplesRequest, share: Share, resume: Mapping[str, Any] | None) -> None:
        self._request = request
        self._share = share
        self._due: Due | None = None
        self._resume: pb.ResumePoint | None = None
        self._loaded_index = 0
        self.header: pb.Header | None = None
        self.footer: pb.Footer | None = None
        self.statistics: Statistics | None = None
        self.batch: SampleBatch | None = None
        self._left: Iterator[Any] = iter(())
        #: First due index that did not come.
        self.received = 0
        if resume is not None:
            self.load(resume)

    def next_call(self) -> tuple[pb.StreamSamplesRequest, Share]:
        """What a call that goes on asks for. Its first worker is the one whose turn it is."""
        request = pb.StreamSamplesRequest()
        request.CopyFrom(self._request)
        share = self._share
        if self._due is not None:
            share = Share(share.rank, share.world_size, 0, share.worker_count)
        if not share.is_whole:
            request.share.CopyFrom(pb.Share(**vars(share)))
        if self._resume is not None:
            request.resume.CopyFrom(self._resume)
            request.resume.next_index = self.received
        return request, share

    def accept(self, frames: Frames) -> None:
        """Takes the header of a call over. Raises a ResumeError where it is of another stream."""
        header = frames.header
        assert header is not None
        if self._resume is not None:
            check_same_stream(self._resume, header.resume)
        due = frames.due
        if due.world_size > 1 and self._due is None and header.resume.next_index < due.sample_count:
            _check_whole_batches(header.resume.next_index, due.global_batch_size)
        self.header = header
        self._resume = header.resume
        self._due = due
        self.received = frames.next_index

    def take(self, batch: SampleBatch) -> SampleBatch:
        """Takes the next batch over."""
        self.batch = batch
        self.give(range(len(batch)))
        self.received = batch.next_index
        return batch

    def finish(self, frames: Frames) -> None:
        """Takes the footer over. Raises UnavailableError where the stream has not come to its end."""
        assert frames.footer is not None
        if frames.footer.reason != pb.Footer.REASON_END:
            raise UnavailableError("the server stops", code="UNAVAILABLE", reason="DRAINING")
        self.footer = frames.footer
        self.statistics = from_statistics(frames.footer.statistics)

    def give(self, parts: Sequence[Part]) -> Iterator[Part]:
        """Of the batch, one for each sample that is left: a sample counts as given out once its part is taken."""
        self._left = left = iter(parts)
        return left

    @property
    def left(self) -> int:
        """Samples of the batch that were not given out."""
        # Iterators of lists and ranges know it: loops count nothing themselves.
        return length_hint(self._left)

    @property
    def given(self) -> int:
        """Samples of the batch that were given out."""
        return len(self.batch) - self.left if self.batch is not None else 0

    @property
    def next_index(self) -> int:
        """First due index that was not given out."""
        return self.batch.indices[self.given] if self.batch is not None and self.left else self.received

    @property
    def can_go_on(self) -> bool:
        """Whether the stream is known by a header or a state."""
        return self._resume is not None

    def state(self) -> StreamState:
        """What every rank has consumed: to the sample for the only reader, else in whole global batches."""
        assert self._resume is not None
        if self._share.worker_count > 1:
            raise WorkerStateError("one worker does not know what the others gave out; ask the loader that has all")
        next_index = self.next_index
        if self._due is not None and not self._due.is_whole and next_index < self._due.sample_count:
            next_index -= next_index % self._due.global_batch_size
        return to_state(self._resume, max(next_index, self._loaded_index))

    def worker_state(self) -> StreamState:
        """Where this one worker is, for the same worker of as many."""
        assert self._resume is not None
        return to_state(self._resume, self.next_index)

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was. A ResumeError names both values where it does not fit."""
        point = to_resume_point(state)
        if self.header is not None:
            check_same_stream(self.header.resume, point)
        self._resume = point
        self._loaded_index = self.received = point.next_index
        self._due = None
        self.footer = None
        self._forget_batch()

    def load_worker_state(self, state: Mapping[str, Any], header: pb.Header) -> None:
        """Goes on where this one worker was."""
        self.load(state)
        self._share = Share(self._share.rank, self._share.world_size, 0, self._share.worker_count)
        due = Due.of(self._share, header)
        self._due = replace(due, first_batch=self.received // due.global_batch_size)

    def rewind(self) -> None:
        """Lets the next call begin at the first sample that was not given out."""
        self.received = self.next_index
        self._forget_batch()

    def _forget_batch(self) -> None:
        self.batch = None
        self._left = iter(())


def _check_whole_batches(next_index: int, global_batch_size: int) -> None:
    """Ranks that begin inside of a global batch would have unequal numbers of batches, and wait for each other."""
    if next_index % global_batch_size:
        raise ConfigurationError(
            f"the state's next_index {next_index} lies inside of a global batch of {global_batch_size}: "
            "only a world of one rank can go on there"
        )
