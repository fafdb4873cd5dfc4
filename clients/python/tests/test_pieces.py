"""How the lines of a frame of references are cut out of their blocks."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from loraloop import ContentDamagedError
from loraloop._pieces import FrameLines, batches
from loraloop.export.v1 import export_service_pb2 as pb
from tests.scripted import line

Place = tuple[int, int, int]
LINES = [[line(1_000 * block + number) for number in range(400)] for block in range(3)]
BLOCKS = [b"".join(lines) for lines in LINES]


def places_of(block: int) -> list[Place]:
    places, offset = [], 0
    for text in LINES[block]:
        places.append((block, offset, len(text)))
        offset += len(text)
    return places


def frame_of(places: Sequence[Place]) -> pb.ReferenceBatch:
    blocks, offsets, lengths = zip(*places, strict=True)
    return pb.ReferenceBatch(
        block_digests=[bytes([block]) * 32 for block in range(len(BLOCKS))],
        blocks=blocks,
        offsets=offsets,
        lengths=lengths,
        ids=[f"id-{place}" for place in range(len(places))],
        index_runs=[pb.IndexRun(first=10, count=len(places))],
    )


def shuffled(places: list[Place]) -> list[Place]:
    return random.Random(7).sample(places, len(places))


@pytest.mark.parametrize(
    "places",
    [
        [place for block in range(3) for place in places_of(block)],
        places_of(1)[5:300] + places_of(0)[2:3] + places_of(1)[300:],
        shuffled([place for block in range(3) for place in places_of(block)]),
        places_of(2)[::2] + places_of(2)[::2],
        places_of(0)[:1],
    ],
    ids=["in order", "in stretches", "shuffled", "twice", "one"],
)
@pytest.mark.parametrize("piece_bytes", [1, 1_000, 1 << 18])
def test_lines_come_in_the_order_of_the_frame(
    places: list[Place], piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loraloop._pieces._PIECE_BYTES", piece_bytes)
    frame = frame_of(places)
    lines = FrameLines(frame)
    for place, block in enumerate(BLOCKS):
        lines.take(place, block)
    cut = list(batches(frame, lines.pieces(), 10 + len(places)))
    expected = [BLOCKS[block][offset : offset + length] for block, offset, length in places]
    assert [text for batch in cut for text in batch.lines()] == expected
    assert [index for batch in cut for index in batch.indices] == list(range(10, 10 + len(places)))
    assert [record for batch in cut for record in batch.ids] == list(frame.ids)
    longest = max(map(len, expected))
    assert all(sum(map(len, batch.lines())) < piece_bytes + piece_bytes + longest for batch in cut)


def test_what_came_is_given_before_the_rest() -> None:
    lines = FrameLines(frame_of(places_of(1) + places_of(0) + places_of(2)))
    assert list(lines.pieces()) == []
    lines.take(1, BLOCKS[1])
    lines.take(2, BLOCKS[2])
    assert list(lines.pieces()) == [(400, BLOCKS[1])]
    lines.take(0, BLOCKS[0])
    assert list(lines.pieces()) == [(800, BLOCKS[0] + BLOCKS[2])]
    assert list(lines.pieces()) == []


@pytest.mark.parametrize("place", [(0, len(BLOCKS[0]), 5), (0, len(BLOCKS[0]) - 5, 6), (0, 3, 0)])
def test_references_outside_of_their_block_are_refused(place: Place) -> None:
    lines = FrameLines(frame_of([*places_of(0), place]))
    with pytest.raises(ContentDamagedError, match="outside"):
        lines.take(0, BLOCKS[0])
