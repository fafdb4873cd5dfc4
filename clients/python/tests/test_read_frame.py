"""Frames read from bytes, against what protobuf reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loraloop._read_frame import read_frame
from loraloop.errors import ContentDamagedError
from loraloop.export.v1 import export_service_pb2 as pb

batches = st.builds(
    pb.Batch,
    lines=st.binary(max_size=20_000),
    ids=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3),
    weights_micros=st.lists(st.integers(0, 2**32 - 1), max_size=3),
    segment_bytes=st.lists(st.integers(0, 2**32 - 1), max_size=2),
    uncompressed_bytes=st.integers(0, 2**32 - 1),
)
frames = st.one_of(
    st.builds(pb.StreamSamplesResponse, batch=batches),
    st.builds(pb.StreamSamplesResponse, footer=st.builds(pb.Footer, next_index=st.integers(0, 2**64 - 1))),
    st.builds(pb.StreamSamplesResponse, checkpoint=st.builds(pb.Checkpoint, next_index=st.integers(0, 2**64 - 1))),
)


def _together(message: bytes) -> pb.StreamSamplesResponse:
    frame, lines = read_frame(message)
    assert lines == b"" or frame.WhichOneof("frame") == "batch"
    if frame.WhichOneof("frame") == "batch":
        frame.batch.lines = bytes(lines)
    return frame


@given(frames)
def test_a_frame_is_what_protobuf_reads(frame: pb.StreamSamplesResponse) -> None:
    assert _together(frame.SerializeToString()) == frame


@given(batches)
def test_lines_may_stand_anywhere(batch: pb.Batch) -> None:
    rest = pb.Batch()
    rest.CopyFrom(batch)
    rest.ClearField("lines")
    body = rest.SerializeToString() + pb.Batch(lines=batch.lines).SerializeToString()
    message = pb.StreamSamplesResponse(batch=batch).SerializeToString()
    head = message[: len(message) - batch.ByteSize()]
    assert _together(head + body) == pb.StreamSamplesResponse(batch=batch)


def test_lines_are_not_copied() -> None:
    message = pb.StreamSamplesResponse(batch=pb.Batch(lines=b"{}\n", ids=["a"])).SerializeToString()
    _frame, lines = read_frame(message)
    assert isinstance(lines, memoryview)
    assert lines.obj is message


@given(frames, st.data())
def test_a_broken_frame_is_refused_or_read_as_protobuf_does(
    frame: pb.StreamSamplesResponse, data: st.DataObject
) -> None:
    message = bytearray(frame.SerializeToString())
    if not message:
        return
    place = data.draw(st.integers(0, min(len(message), 64) - 1))
    message[place] ^= 1 << data.draw(st.integers(0, 7))
    cut = bytes(message[: data.draw(st.integers(0, len(message)))])
    try:
        expected = pb.StreamSamplesResponse.FromString(cut)
    except Exception:
        with pytest.raises(ContentDamagedError):
            read_frame(cut)
    else:
        assert _together(cut) == expected
