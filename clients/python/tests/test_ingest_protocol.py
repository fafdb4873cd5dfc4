"""Ingests over connections that break at the worst moments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import grpc
import pytest

import loraloop
from loraloop._ingest import chunk_digest
from loraloop.corpus.v1 import corpus_service_pb2 as pb
from loraloop.corpus.v1 import record_pb2
from tests.conftest import Scripted
from tests.scripted import ScriptedError

Messages = Iterator[pb.IngestRecordsResponse | ScriptedError]
LOST = ScriptedError(grpc.StatusCode.UNAVAILABLE)
COUNT = 1_700


class Keeper:
    """Keeps chunks like the server; loses the connection at the moments named, each once."""

    def __init__(self, *lose_at: str) -> None:
        self.lose_at = set(lose_at)
        self.chunks: dict[int, bytes] = {}
        self.ids: list[str] = []
        self.sent: list[int] = []
        self.commit: pb.IngestRecordsRequest.Commit | None = None

    def __call__(self, requests: Iterator[pb.IngestRecordsRequest]) -> Messages:
        for request in requests:
            kind = request.WhichOneof("message")
            moment = f"chunk {request.chunk.number}" if kind == "chunk" else str(kind)
            if self._loses(f"before {moment}"):
                yield LOST
            answer = getattr(self, f"_{kind}")(request)
            yield LOST if self._loses(f"after {moment}") else answer

    def _loses(self, moment: str) -> bool:
        loses = moment in self.lose_at
        self.lose_at.discard(moment)
        return loses

    def _start(self, _: pb.IngestRecordsRequest) -> pb.IngestRecordsResponse:
        return pb.IngestRecordsResponse(started=pb.IngestRecordsResponse.Started(next_chunk=len(self.chunks)))

    def _chunk(self, request: pb.IngestRecordsRequest) -> pb.IngestRecordsResponse:
        chunk = request.chunk
        self.sent.append(chunk.number)
        digest = chunk_digest(chunk.records)
        if chunk.number not in self.chunks:
            assert chunk.number == len(self.chunks)
            self.ids.extend(record.id for record in chunk.records)
        assert self.chunks.setdefault(chunk.number, digest) == digest
        bad = [record_pb2.RecordError(index=i, id=r.id) for i, r in enumerate(chunk.records) if r.id.endswith("13")]
        answer = pb.IngestRecordsResponse.Acknowledged(
            chunk=chunk.number, kept_count=len(chunk.records) - len(bad), errors=bad
        )
        return pb.IngestRecordsResponse(acknowledged=answer)

    def _commit(self, request: pb.IngestRecordsRequest) -> pb.IngestRecordsResponse:
        self.commit = request.commit
        digest = hashlib.sha256(b"".join(self.chunks[number] for number in sorted(self.chunks))).digest()
        assert (request.commit.chunk_count, request.commit.digest) == (len(self.chunks), digest)
        kept = sum(not record_id.endswith("13") for record_id in self.ids)
        answer = pb.IngestRecordsResponse.Committed(kept_count=kept, revision=9)
        return pb.IngestRecordsResponse(committed=answer)


def records() -> Iterator[dict[str, str]]:
    for index in range(COUNT):
        yield {"id": str(index)}


@pytest.mark.parametrize(
    "moments",
    [
        [],
        ["before start"],
        ["after start"],
        ["before chunk 0", "after chunk 0"],
        ["before chunk 2"],
        ["after chunk 2"],
        ["after chunk 0", "after chunk 1", "after chunk 2", "after chunk 3"],
        ["before commit"],
        ["after commit"],
    ],
    ids=", ".join,
)
def test_every_record_arrives_once_and_every_error_is_told(scripted: Scripted, moments: list[str]) -> None:
    keeper = Keeper(*moments)
    client, _ = scripted(ingest=keeper)
    seen: list[int] = []
    result = client.ingest("c", records(), ingest_id="mine", progress=lambda so_far: seen.append(so_far.record_count))
    assert keeper.ids == [str(index) for index in range(COUNT)]
    assert not keeper.lose_at
    assert [(error.index, error.id) for error in result.errors] == [(i, str(i)) for i in range(COUNT) if i % 100 == 13]
    assert (result.ingest_id, result.record_count, result.kept_count) == ("mine", COUNT, COUNT - 17)
    assert seen == [500, 1000, 1500, 1700]


def test_another_call_goes_on_at_the_next_chunk(scripted: Scripted) -> None:
    keeper = Keeper()
    client, _ = scripted(ingest=keeper)

    def interrupted() -> Iterator[dict[str, str]]:
        yield from list(records())[:1_100]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.ingest("c", interrupted(), ingest_id="mine")
    on_disk = len(keeper.chunks)
    keeper.sent.clear()
    result = client.ingest("c", records(), ingest_id="mine")
    assert keeper.sent == list(range(on_disk, 4))
    assert (result.resumed_count, result.record_count, result.kept_count) == (on_disk * 500, COUNT, COUNT - 17)
    assert keeper.ids == [str(index) for index in range(COUNT)]


def test_a_failing_source_is_the_callers_error_and_commits_nothing(scripted: Scripted) -> None:
    keeper = Keeper()
    client, _ = scripted(ingest=keeper)

    def failing() -> Iterator[dict[str, str]]:
        yield {"id": "0"}
        raise loraloop.UnavailableError("the source is away", code="UNAVAILABLE")

    with pytest.raises(loraloop.UnavailableError, match="the source is away"):
        client.ingest("c", failing())
    assert keeper.commit is None


def test_what_json_cannot_hold_is_told_and_the_rest_goes_on(scripted: Scripted) -> None:
    keeper = Keeper()
    client, _ = scripted(ingest=keeper)
    given: list[dict[str, object]] = [{"id": "a"}, {"id": "b", "x": float("nan")}, {"id": "13"}, {"id": "c"}]
    result = client.ingest("c", given)
    assert keeper.ids == ["a", "13", "c"]
    assert [(error.index, error.id) for error in result.errors] == [(1, "b"), (2, "13")]
    assert result.record_count == 4


def test_chunks_hold_at_most_four_mebibytes(scripted: Scripted) -> None:
    keeper = Keeper()
    client, _ = scripted(ingest=keeper)
    sizes = [1, 3, 3, 5, 1]
    client.ingest("c", ({"id": str(i), "text": "x" * (size << 20)} for i, size in enumerate(sizes)))
    assert len(keeper.chunks) == 5
