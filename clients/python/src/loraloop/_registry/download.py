from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import grpc

from loraloop._backoff import Backoff
from loraloop._connection import Connection
from loraloop.errors import ContentDamagedError, UnavailableError, from_grpc
from loraloop.registry.v1 import artifact_service_pb2 as pb


def download(connection: Connection, version: str, allow_unservable: bool, folder: Path) -> None:
    """Writes a version's files into an empty folder; begun again where it breaks off. Digests are not compared."""
    request = pb.DownloadArtifactRequest(version=version, allow_unservable=allow_unservable)
    backoff = Backoff(connection.patience)
    while True:
        opened = connection.open()
        call = opened.artifacts.DownloadArtifact(request, metadata=opened.metadata)
        try:
            return _write(call, folder)
        except grpc.RpcError as failure:
            error = from_grpc(failure)
        except UnavailableError as cut_off:
            error = cut_off
        finally:
            call.cancel()
        backoff.wait(error)


def _write(messages: Iterable[pb.DownloadArtifactResponse], folder: Path) -> None:
    file: BinaryIO | None = None
    try:
        for message in messages:
            kind = message.WhichOneof("message")
            if kind == "end":
                return
            if kind == "file":
                if file is not None:
                    file.close()
                file = _create(folder, message.file.path)
            elif kind == "data" and file is not None:
                file.write(message.data)
    finally:
        if file is not None:
            file.close()
    raise UnavailableError("the download was cut off before its end", code="UNAVAILABLE")


def _create(folder: Path, path: str) -> BinaryIO:
    """A server's word is not enough to write outside of the folder."""
    parts = path.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\\" in path or "\0" in path:
        raise ContentDamagedError(f"the registry sent a file called {path!r}", code="DATA_LOSS")
    file = folder.joinpath(*parts)
    file.parent.mkdir(0o700, parents=True, exist_ok=True)
    return file.open("wb")
