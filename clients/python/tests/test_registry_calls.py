"""Calls of the registry that break off, by a server that says what a test wrote down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest

from loraloop import Client, ContentDamagedError, RevisionCompactedError, UnavailableError
from loraloop._registry.download import download
from loraloop._registry.upload import upload
from loraloop._registry.values import ArtifactFile
from loraloop.errors import make_error
from loraloop.registry.v1 import adapter_service_pb2 as adapters
from loraloop.registry.v1 import artifact_service_pb2 as artifacts
from tests.scripted import ScriptedError

Answer: TypeAlias = "Callable[[Any], Iterable[Any]]"
AWAY = ScriptedError(grpc.StatusCode.UNAVAILABLE, "DRAINING")
NOT_FOUND = ScriptedError(grpc.StatusCode.NOT_FOUND, "ARTIFACT_NOT_FOUND")
FILE = ArtifactFile("adapter_config.json", 2, hashlib.sha256(b"{}").hexdigest())


@pytest.fixture
def scripted() -> Iterator[Callable[..., Client]]:
    """Starts a server whose methods answer by scripts, one a call, and a client for it."""
    started: list[tuple[Client, grpc.Server]] = []

    def start(**scripts: list[Answer]) -> Client:
        server = grpc.server(ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers(handlers(scripts))
        client = Client(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", "token", timeout=2, patience=5)
        server.start()
        started.append((client, server))
        return client

    yield start
    for client, server in started:
        client.close()
        server.stop(0).wait()


def handlers(scripts: dict[str, list[Answer]]) -> tuple[grpc.GenericRpcHandler, ...]:
    def run(method: str, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for step in scripts[method].pop(0)(request):
            if isinstance(step, ScriptedError):
                step.abort(context)
            yield step

    def stream(method: str, request: Any) -> grpc.RpcMethodHandler[Any, Any]:
        return grpc.unary_stream_rpc_method_handler(
            lambda message, context: run(method, message, context), request.FromString, _bytes
        )

    upload = grpc.stream_unary_rpc_method_handler(
        lambda messages, context: next(run("UploadArtifact", messages, context)),
        artifacts.UploadArtifactRequest.FromString,
        _bytes,
    )
    get = grpc.unary_unary_rpc_method_handler(
        lambda message, context: next(run("GetArtifact", message, context)),
        artifacts.GetArtifactRequest.FromString,
        _bytes,
    )
    report = grpc.unary_unary_rpc_method_handler(
        lambda message, context: next(run("ReportMetrics", message, context)),
        adapters.ReportMetricsRequest.FromString,
        _bytes,
    )
    return (
        grpc.method_handlers_generic_handler(
            "loraloop.registry.v1.ArtifactService",
            {
                "UploadArtifact": upload,
                "GetArtifact": get,
                "DownloadArtifact": stream("DownloadArtifact", artifacts.DownloadArtifactRequest),
            },
        ),
        grpc.method_handlers_generic_handler(
            "loraloop.registry.v1.AdapterService",
            {
                "WatchAdapters": stream("WatchAdapters", adapters.WatchAdaptersRequest),
                "ReportMetrics": report,
            },
        ),
    )


def _bytes(message: Any) -> bytes:
    encoded: bytes = message.SerializeToString()
    return encoded


def piece(**content: Any) -> artifacts.DownloadArtifactResponse:
    return artifacts.DownloadArtifactResponse(**content)


def test_a_download_that_breaks_off_is_begun_again(scripted: Callable[..., Client], tmp_path: Path) -> None:
    begun = [
        piece(start=artifacts.DownloadArtifactResponse.Start(version="legal@1")),
        piece(file=artifacts.ArtifactFile(path="below/adapter_config.json", byte_count=2)),
        piece(data=b"{"),
    ]
    end = [piece(data=b"}"), piece(end=artifacts.DownloadArtifactResponse.End())]
    client = scripted(
        DownloadArtifact=[lambda _: [*begun, AWAY], lambda _: begun, lambda _: [*begun, *end]],
    )
    download(client._connection, "legal@1", False, tmp_path)
    assert (tmp_path / "below" / "adapter_config.json").read_bytes() == b"{}"


def test_a_download_writes_nothing_outside_of_its_folder(scripted: Callable[..., Client], tmp_path: Path) -> None:
    client = scripted(DownloadArtifact=[lambda _: [piece(file=artifacts.ArtifactFile(path="../out"))]])
    with pytest.raises(ContentDamagedError, match="out"):
        download(client._connection, "legal@1", False, tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_breaks_off_is_begun_again(scripted: Callable[..., Client], tmp_path: Path) -> None:
    (tmp_path / FILE.path).write_bytes(b"{}")
    sent: list[Any] = []

    def take(messages: Iterable[Any]) -> Iterable[Any]:
        sent.extend(message.WhichOneof("message") for message in messages)
        yield artifacts.UploadArtifactResponse()

    client = scripted(
        GetArtifact=[lambda _: [NOT_FOUND], lambda _: [NOT_FOUND]],
        UploadArtifact=[lambda _: [AWAY], take],
    )
    digest = hashlib.sha256(f"{FILE.digest}  {FILE.path}\n".encode()).hexdigest()
    assert upload(client._connection, tmp_path, [FILE]) == digest
    assert sent == ["start", "file", "data", "commit"]


def test_a_file_that_cannot_be_read_ends_an_upload(scripted: Callable[..., Client], tmp_path: Path) -> None:
    cut_off = ScriptedError(grpc.StatusCode.INVALID_ARGUMENT, "ARTIFACT_INVALID")

    def refuse(messages: Iterable[Any]) -> Iterable[Any]:
        list(messages)
        yield cut_off

    client = scripted(GetArtifact=[lambda _: [NOT_FOUND]], UploadArtifact=[refuse])
    with pytest.raises(FileNotFoundError, match=r"adapter_config\.json"):
        upload(client._connection, tmp_path, [FILE])


def test_metrics_whose_answer_was_lost_are_said_again_as_they_were(scripted: Callable[..., Client]) -> None:
    said: list[adapters.ReportMetricsRequest] = []

    def take(request: adapters.ReportMetricsRequest) -> Iterable[Any]:
        said.append(request)
        return [AWAY] if len(said) == 1 else [adapters.ReportMetricsResponse()]

    client = scripted(ReportMetrics=[take, take])
    client.registry.report_metrics("legal@1", {"eval_loss": 0.5})
    first, second = said
    assert first == second
    assert first.values[0].HasField("time")


def change(revision: int, ordinal: int = 0, version: int = 1) -> adapters.WatchAdaptersResponse:
    response = adapters.WatchAdaptersResponse(revision=revision, ordinal=ordinal)
    response.version.version = version
    return response


def checkpoint(revision: int) -> adapters.WatchAdaptersResponse:
    return adapters.WatchAdaptersResponse(revision=revision, checkpoint=adapters.WatchAdaptersResponse.Checkpoint())


def test_a_watch_that_breaks_off_inside_a_commit_gives_it_once(scripted: Callable[..., Client]) -> None:
    asked: list[int | None] = []

    def script(*steps: Any) -> Answer:
        def answer(request: adapters.WatchAdaptersRequest) -> Iterable[Any]:
            asked.append(request.after_revision if request.HasField("after_revision") else None)
            return steps

        return answer

    client = scripted(
        WatchAdapters=[
            script(checkpoint(3), change(5), change(5, 1, 2), AWAY),
            script(checkpoint(3), change(5), change(5, 1, 2), checkpoint(5), change(7)),
            script(checkpoint(5), change(7), checkpoint(7), checkpoint(9)),
            script(ScriptedError(grpc.StatusCode.OUT_OF_RANGE, "REVISION_COMPACTED")),
        ]
    )
    watch = client.registry.watch()
    commits = [next(watch) for _ in range(4)]
    assert [(commit.revision, len(commit.changes)) for commit in commits] == [(3, 0), (5, 2), (7, 1), (9, 0)]
    with pytest.raises(RevisionCompactedError):
        next(watch)
    assert asked == [None, 3, 5, 9]


def test_a_registry_without_an_export_service_is_not_asked_again() -> None:
    error = make_error("configure it", code="UNAVAILABLE", reason="EXPORT_UNAVAILABLE", metadata={})
    assert isinstance(error, UnavailableError)
    assert not error.retryable
    busy = make_error("later", code="UNAVAILABLE", reason="EXPORT_UNAVAILABLE", metadata={}, retry_after=1.0)
    assert busy.retryable
