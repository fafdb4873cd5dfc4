from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc

from loraloop._backoff import Backoff
from loraloop._connection import Connection
from loraloop._registry.digests import files_digest
from loraloop._registry.values import ArtifactFile
from loraloop.errors import NotFoundError, from_grpc
from loraloop.registry.v1 import artifact_service_pb2 as pb

_PIECE_BYTES = 1024 * 1024


def upload(connection: Connection, folder: Path, files: Sequence[ArtifactFile]) -> str:
    """Sends what the registry does not have yet; returns the artifact's digest.

    An upload that breaks off is begun again, for the client's `patience`.
    """
    digest = files_digest(files)
    backoff = Backoff(connection.patience)
    while not _is_there(connection, digest):
        messages = _Messages(folder, files, digest)
        opened = connection.open()
        try:
            opened.artifacts.UploadArtifact(iter(messages), metadata=opened.metadata)
            break
        except grpc.RpcError as failure:
            if messages.failure is not None:
                raise messages.failure from None
            backoff.wait(from_grpc(failure))
    return digest


def _is_there(connection: Connection, digest: str) -> bool:
    try:
        connection.call(lambda opened: opened.artifacts.GetArtifact, pb.GetArtifactRequest(digest=digest))
    except NotFoundError:
        return False
    return True


class _Messages:
    """What an upload says. A file that cannot be read ends it, and is the `failure`: grpcio would only log it."""

    def __init__(self, folder: Path, files: Sequence[ArtifactFile], digest: str) -> None:
        self._folder = folder
        self._files = files
        self._digest = digest
        self.failure: OSError | None = None

    def __iter__(self) -> Iterator[pb.UploadArtifactRequest]:
        yield pb.UploadArtifactRequest(start=pb.UploadArtifactRequest.Start())
        try:
            for file in self._files:
                yield from self._file(file)
        except OSError as error:
            self.failure = error
            return
        yield pb.UploadArtifactRequest(commit=pb.UploadArtifactRequest.Commit(digest=self._digest))

    def _file(self, file: ArtifactFile) -> Iterator[pb.UploadArtifactRequest]:
        yield pb.UploadArtifactRequest(file=pb.UploadArtifactRequest.File(path=file.path, byte_count=file.byte_count))
        with (self._folder / file.path).open("rb") as opened:
            while piece := opened.read(_PIECE_BYTES):
                yield pb.UploadArtifactRequest(data=piece)
