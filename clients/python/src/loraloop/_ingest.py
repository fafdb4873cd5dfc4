from __future__ import annotations

import hashlib
import struct
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from queue import SimpleQueue
from typing import Any, TypeAlias

import grpc

from loraloop._backoff import Backoff
from loraloop._connection import Connection
from loraloop._records import Record, id_of, to_record
from loraloop.corpus.v1 import corpus_service_pb2 as pb
from loraloop.corpus.v1 import record_pb2
from loraloop.errors import RpcError, UnavailableError, from_grpc

# As the server's limits `chunk_records` and `chunk_bytes`.
_CHUNK_RECORDS = 500
_CHUNK_BYTES = 4 * 1024 * 1024
#: What a message can carry, beside its own fields. The server keeps records of up to 4 MiB.
_SENDABLE_BYTES = 15 * 1024 * 1024
#: Chunks on their way. More would only fill memory: the server commits what waits together.
_WINDOW = 4

AnyRecord: TypeAlias = "Record | Mapping[str, Any]"
Requests: TypeAlias = "SimpleQueue[pb.IngestRecordsRequest | None]"


@dataclass(frozen=True, slots=True)
class RecordError:
    """A record that was not kept. `index` is its place in what was given to `ingest`, from 0."""

    index: int
    id: str
    problem: str


@dataclass(slots=True)
class IngestResult:
    """What became of an ingest; as progress, what is on disk so far.

    `record_count` counts every record of the ingest, bad ones included, `kept_count` those that were kept,
    `unchanged_count` those among them that equalled what was stored, `revision` is the commit that holds the last of
    them. `resumed_count` records were on disk from an earlier call with the same ingest id: they are in no other count
    before the end, and their errors were told to that call.
    """

    ingest_id: str
    record_count: int = 0
    kept_count: int = 0
    unchanged_count: int = 0
    resumed_count: int = 0
    revision: int = 0
    errors: list[RecordError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Chunk:
    number: int
    records: Sequence[record_pb2.Record]
    #: Place of each record in what was given.
    indices: Sequence[int]
    digest: bytes

    def request(self) -> pb.IngestRecordsRequest:
        return pb.IngestRecordsRequest(
            chunk=pb.IngestRecordsRequest.Chunk(number=self.number, records=self.records),
        )


class _ConnectionLostError(Exception):
    """What the server's side of an ingest ended with; never an error of the caller's records."""

    def __init__(self, error: RpcError) -> None:
        super().__init__(error)
        self.error = error


class Ingest:
    """One ingest over as many connections as it takes. Holds only what is not acknowledged."""

    def __init__(
        self,
        connection: Connection,
        collection: str,
        records: Iterable[AnyRecord],
        *,
        id_field: str,
        ingest_id: str | None,
        progress: Callable[[IngestResult], None] | None,
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._result = IngestResult(ingest_id or uuid.uuid4().hex)
        self._progress = progress
        self._chunks = self._chunked(self._encoded(records, id_field))
        self._unacknowledged: deque[_Chunk] = deque()
        self._digest = hashlib.sha256()
        self._chunk_count = 0
        self._record_count = 0
        self._backoff: Backoff | None = None

    def run(self) -> IngestResult:
        """Returns when everything is on disk."""
        while True:
            try:
                return self._session()
            except _ConnectionLostError as lost:
                error = lost.error
            self._backoff = self._backoff or Backoff(self._connection.patience)
            self._backoff.wait(error)

    def _session(self) -> IngestResult:
        """One connection: everything that is not acknowledged, then the rest, then the commit."""
        opened = self._connection.open()
        requests: Requests = SimpleQueue()
        call = opened.corpus.IngestRecords(iter(requests.get, None), metadata=opened.metadata)
        try:
            start = pb.IngestRecordsRequest.Start(collection=self._collection, ingest_id=self._result.ingest_id)
            requests.put(pb.IngestRecordsRequest(start=start))
            next_chunk = self._receive(call, "started").started.next_chunk
            # Also those that are on disk though their answer was lost: sent again they get it again.
            for chunk in self._unacknowledged:
                requests.put(chunk.request())
            self._send_rest(call, requests, next_chunk)
            return self._commit(call, requests)
        finally:
            requests.put(None)
            call.cancel()

    def _send_rest(self, call: Iterator[pb.IngestRecordsResponse], requests: Requests, next_chunk: int) -> None:
        for chunk in self._chunks:
            if chunk.number < next_chunk:
                self._result.resumed_count += len(chunk.records)
                continue
            self._unacknowledged.append(chunk)
            requests.put(chunk.request())
            while len(self._unacknowledged) >= _WINDOW:
                self._acknowledge(self._receive(call, "acknowledged").acknowledged)
        while self._unacknowledged:
            self._acknowledge(self._receive(call, "acknowledged").acknowledged)

    def _commit(self, call: Iterator[pb.IngestRecordsResponse], requests: Requests) -> IngestResult:
        commit = pb.IngestRecordsRequest.Commit(
            chunk_count=self._chunk_count, record_count=self._record_count, digest=self._digest.digest()
        )
        requests.put(pb.IngestRecordsRequest(commit=commit))
        committed = self._receive(call, "committed").committed
        self._result.record_count += self._result.resumed_count
        self._result.kept_count = committed.kept_count
        self._result.revision = committed.revision
        return self._result

    def _receive(self, call: Iterator[pb.IngestRecordsResponse], kind: str) -> pb.IngestRecordsResponse:
        try:
            response = next(call, None)
        except grpc.RpcError as failure:
            raise _ConnectionLostError(from_grpc(failure)) from None
        if response is None or response.WhichOneof("message") != kind:
            error = UnavailableError(f"the server ended the ingest where {kind!r} was due", code="UNAVAILABLE")
            raise _ConnectionLostError(error)
        self._backoff = None
        return response

    def _acknowledge(self, answer: pb.IngestRecordsResponse.Acknowledged) -> None:
        chunk = self._unacknowledged.popleft()
        result = self._result
        result.errors.extend(RecordError(chunk.indices[bad.index], bad.id, bad.problem) for bad in answer.errors)
        result.record_count += len(chunk.records)
        result.kept_count += answer.kept_count
        result.unchanged_count += answer.unchanged_count
        result.revision = answer.revision
        if self._progress:
            self._progress(result)

    def _encoded(self, records: Iterable[AnyRecord], id_field: str) -> Iterator[tuple[int, record_pb2.Record]]:
        """Records as they are sent; those that JSON cannot hold are reported and left out."""
        for index, record in enumerate(records):
            try:
                encoded = to_record(record, id_field)
            except (TypeError, ValueError) as problem:
                self._refuse(RecordError(index, id_of(record, id_field), str(problem)))
                continue
            yield index, encoded

    def _refuse(self, error: RecordError) -> None:
        self._result.record_count += 1
        self._result.errors.append(error)

    def _chunked(self, records: Iterator[tuple[int, record_pb2.Record]]) -> Iterator[_Chunk]:
        batch: list[record_pb2.Record] = []
        indices: list[int] = []
        size = 0
        for index, record in records:
            # What the record takes in the message: itself, its tag and its length.
            record_size = record.ByteSize() + 6
            if record_size > _SENDABLE_BYTES:
                problem = f"has {record_size} bytes, more than a message can carry ({_SENDABLE_BYTES}); shorten it"
                self._refuse(RecordError(index, record.id, problem))
                continue
            if batch and (len(batch) == _CHUNK_RECORDS or size + record_size > _CHUNK_BYTES):
                yield self._close_chunk(batch, indices)
                batch, indices, size = [], [], 0
            batch.append(record)
            indices.append(index)
            size += record_size
        if batch:
            yield self._close_chunk(batch, indices)

    def _close_chunk(self, records: Sequence[record_pb2.Record], indices: Sequence[int]) -> _Chunk:
        chunk = _Chunk(self._chunk_count, records, indices, chunk_digest(records))
        self._digest.update(chunk.digest)
        self._chunk_count += 1
        self._record_count += len(records)
        return chunk


def chunk_digest(records: Iterable[record_pb2.Record]) -> bytes:
    """As documented at `IngestRecordsRequest.Commit.digest`."""
    digest = hashlib.sha256()
    for record in records:
        score = shortest_decimal(record.quality_score) if record.HasField("quality_score") else ""
        for text in (record.id, record.fields_json, record.source, score, record.subject, record.group):
            part = text.encode()
            digest.update(struct.pack(">I", len(part)))
            digest.update(part)
    return digest.digest()


def shortest_decimal(value: float) -> str:
    """The shortest text that reads back as a value from 0 to 1, as ECMAScript writes it: `1`, `0.000001`, `1e-7`."""
    if value == 0 or value >= 1e-6:
        return f"{abs(Decimal(repr(value))):f}".removesuffix(".0")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}"
