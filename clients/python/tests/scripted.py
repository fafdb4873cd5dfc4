"""A server that says what a test wrote down, also what a sound server never says."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from loraloop._endpoint import MESSAGE_BYTES
from loraloop.corpus.v1 import corpus_service_pb2 as corpus
from loraloop.export.v1 import export_service_pb2 as pb

Response = TypeVar("Response")
Ingest: TypeAlias = Callable[
    [Iterator[corpus.IngestRecordsRequest]], Iterable["corpus.IngestRecordsResponse | ScriptedError"]
]
PIECE_BYTES = 1 << 18
IDENTITY: dict[str, Any] = {
    **{"format": 1, "store": "store-1", "incarnation": "1"},
    **{"request_hash": "aa", "plan": "bb", "epoch": 0},
}


class ScriptedError(Exception):
    """Ends a call as the server's error mapper does."""

    def __init__(self, code: grpc.StatusCode, reason: str = "", retry_after: float | None = None, **metadata: str):
        super().__init__(reason)
        self.code, self.reason, self.retry_after, self.metadata = code, reason, retry_after, metadata

    def abort(self, context: grpc.ServicerContext) -> NoReturn:
        status = status_pb2.Status(code=self.code.value[0], message="scripted")
        if self.reason:
            info = error_details_pb2.ErrorInfo(reason=self.reason, domain="loraloop.dev", metadata=self.metadata)
            status.details.add().Pack(info)
        if self.retry_after is not None:
            delay = Duration(nanos=int(self.retry_after * 1e9))
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(self.code, "scripted")


Step: TypeAlias = "pb.StreamSamplesResponse | ScriptedError"


class Server:
    """Answers the n-th StreamSamples with the n-th script, and ingests as `ingest` says; keeps the requests.

    Of blocks, it has `blocks`; another one never comes.
    """

    def __init__(self, scripts: Sequence[Iterable[Step]], ingest: Ingest | None) -> None:
        self._scripts = iter(scripts)
        self._ingest = ingest
        self.requests: list[pb.StreamSamplesRequest] = []
        self.ended = 0
        self.blocks: dict[bytes, bytes] = {}
        self.blocks_missed = threading.Event()
        self.blocks_given_up = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", MESSAGE_BYTES)])
        self._server.add_generic_rpc_handlers(self._handlers())
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    def _handlers(self) -> Sequence[grpc.GenericRpcHandler]:
        stream = grpc.unary_stream_rpc_method_handler(
            self._stream, pb.StreamSamplesRequest.FromString, pb.StreamSamplesResponse.SerializeToString
        )
        ingest = grpc.stream_stream_rpc_method_handler(
            self._ingest_records, corpus.IngestRecordsRequest.FromString, corpus.IngestRecordsResponse.SerializeToString
        )
        blocks = grpc.unary_stream_rpc_method_handler(
            self._read_blocks, pb.ReadBlocksRequest.FromString, pb.ReadBlocksResponse.SerializeToString
        )
        export: dict[str, grpc.RpcMethodHandler[Any, Any]] = {"StreamSamples": stream, "ReadBlocks": blocks}
        return (
            grpc.method_handlers_generic_handler("loraloop.export.v1.ExportService", export),
            grpc.method_handlers_generic_handler("loraloop.corpus.v1.CorpusService", {"IngestRecords": ingest}),
        )

    def _stream(
        self, request: pb.StreamSamplesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.StreamSamplesResponse]:
        self.requests.append(request)
        context.add_callback(self._note_end)
        yield from _play(next(self._scripts), context)

    def _read_blocks(
        self, request: pb.ReadBlocksRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ReadBlocksResponse]:
        (digest,) = request.digests
        if digest not in self.blocks:
            context.add_callback(self.blocks_given_up.set)
            self.blocks_missed.set()
            self.blocks_given_up.wait()
        block = self.blocks[digest]
        for offset in range(0, len(block), PIECE_BYTES):
            piece = block[offset : offset + PIECE_BYTES]
            yield pb.ReadBlocksResponse(offset=offset, bytes=piece, block_bytes=len(block))

    def _note_end(self) -> None:
        self.ended += 1

    def _ingest_records(
        self, requests: Iterator[corpus.IngestRecordsRequest], context: grpc.ServicerContext
    ) -> Iterator[corpus.IngestRecordsResponse]:
        assert self._ingest is not None
        yield from _play(self._ingest(requests), context)


def _play(steps: Iterable[Response | ScriptedError], context: grpc.ServicerContext) -> Iterator[Response]:
    for step in steps:
        if isinstance(step, ScriptedError):
            step.abort(context)
        yield step


def header(next_index: int = 0, **changed: str) -> pb.StreamSamplesResponse:
    point = pb.ResumePoint(**{**IDENTITY, **changed}, next_index=next_index)
    return pb.StreamSamplesResponse(header=pb.Header(resume=point, snapshot="cc", weighted=True, format="text"))


def line(index: int) -> bytes:
    return b'{"text":"sample %d"}\n' % index


def batch(first: int, count: int) -> pb.StreamSamplesResponse:
    """Two segments, weights of 1.5."""
    lines = [line(index) for index in range(first, first + count)]
    message = pb.Batch(
        lines=b"".join(lines),
        ids=[f"id-{index}" for index in range(first, first + count)],
        weights_micros=[1_500_000] * count,
        index_runs=[pb.IndexRun(first=first, count=count)],
        segment_bytes=[len(lines[0]), sum(map(len, lines[1:]))],
    )
    return pb.StreamSamplesResponse(batch=message)


def references(digests: Sequence[bytes], first: int = 0) -> pb.StreamSamplesResponse:
    """A sample of each block: the line that it begins with."""
    message = pb.ReferenceBatch(
        block_digests=digests,
        blocks=range(len(digests)),
        offsets=[0] * len(digests),
        lengths=[len(line(index)) for index in range(first, first + len(digests))],
        ids=[f"id-{index}" for index in range(first, first + len(digests))],
        weights_micros=[1_500_000] * len(digests),
        index_runs=[pb.IndexRun(first=first, count=len(digests))],
    )
    return pb.StreamSamplesResponse(references=message)


def footer(
    batches: Sequence[pb.StreamSamplesResponse],
    next_index: int,
    reason: pb.Footer.Reason.ValueType = pb.Footer.REASON_END,
) -> pb.StreamSamplesResponse:
    digest = hashlib.sha256()
    count = 0
    for message in (response.batch for response in batches):
        first = message.segment_bytes[0]
        digest.update(hashlib.sha256(message.lines[:first]).digest())
        digest.update(hashlib.sha256(message.lines[first:]).digest())
        count += len(message.ids)
    end = pb.Footer(reason=reason, next_index=next_index, sample_count=count, lines_digest=digest.digest())
    return pb.StreamSamplesResponse(footer=end)
