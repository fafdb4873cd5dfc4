from __future__ import annotations

from typing import TypeAlias

from google.protobuf.message import DecodeError

from loraloop.errors import ContentDamagedError
from loraloop.export.v1 import export_service_pb2 as pb

#: Lines of a batch as they came, in the memory of their message; empty in other frames.
Lines: TypeAlias = "bytes | memoryview"

_METHOD = pb.DESCRIPTOR.services_by_name["ExportService"].methods_by_name["StreamSamples"]
#: Path of the call, for channels that give its frames as bytes.
STREAM_SAMPLES = f"/{_METHOD.containing_service.full_name}/{_METHOD.name}"
# Tags of the fields `batch` of a frame and `lines` of a batch.
_BATCH = 0x12
_LINES = 0x0A


def read_frame(message: bytes) -> tuple[pb.StreamSamplesResponse, Lines]:
    """A frame, and apart from it the lines of a batch, which protobuf alone would copy twice.

    Raises ContentDamagedError for what is no frame.
    """
    place = _place_of_lines(message)
    try:
        if place is None:
            frame = pb.StreamSamplesResponse.FromString(message)
            return frame, frame.batch.lines
        frame = pb.StreamSamplesResponse()
        frame.batch.MergeFromString(message[place.stop :])
    except DecodeError as error:
        raise ContentDamagedError(f"a frame cannot be read: {error}", code="DATA_LOSS") from None
    return frame, memoryview(message)[place.start : place.stop]


def _place_of_lines(message: bytes) -> range | None:
    """Where the lines are in a frame that is a batch with its lines first, as servers write it; None for any other."""
    try:
        if message[0] != _BATCH:
            return None
        length, batch = _varint(message, 1)
        if batch + length != len(message) or message[batch] != _LINES:
            return None
        length, lines = _varint(message, batch + 1)
    except IndexError:
        return None
    return range(lines, lines + length) if lines + length <= len(message) else None


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The number that stands there, and the place after it."""
    value = shift = 0
    while message[place] >= 0x80:
        value |= (message[place] & 0x7F) << shift
        shift += 7
        place += 1
    return value | message[place] << shift, place + 1
