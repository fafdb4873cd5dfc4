from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from loraloop._connection import Connection
from loraloop._results import Snapshot, from_snapshot
from loraloop._source import to_source
from loraloop._times import Time
from loraloop._watch import watch
from loraloop.errors import SnapshotFailedError, UnavailableError
from loraloop.export.v1 import export_service_pb2 as pb


class Snapshots:
    """Stored results of datasets: `client.snapshots`. A snapshot is named by its key or at least its first 8 digits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def build(
        self,
        dataset: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        split: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        ttl_seconds: int | None = None,
    ) -> Snapshot:
        """Starts a build and returns at once; `wait` waits.

        Equal records, dataset, split and as_of give the same snapshot. It is kept until deleted, or with
        `ttl_seconds` until it was not read for so long.
        """
        source = to_source(dataset, spec, None, split, as_of, revision, allow_open_ingest)
        request = pb.BuildSnapshotRequest(source=source, ttl_seconds=ttl_seconds)
        return from_snapshot(self._connection.call(lambda opened: opened.export.BuildSnapshot, request).snapshot)

    def get(self, snapshot: str) -> Snapshot:
        request = pb.GetSnapshotRequest(snapshot=snapshot)
        return from_snapshot(self._connection.call(lambda opened: opened.export.GetSnapshot, request).snapshot)

    def list(self, *, dataset: str = "") -> Iterator[Snapshot]:
        """Newest first, those of one dataset or all; statistics without examples and errors."""
        request = pb.ListSnapshotsRequest(dataset=dataset)
        while True:
            response = self._connection.call(lambda opened: opened.export.ListSnapshots, request)
            yield from map(from_snapshot, response.snapshots)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def delete(self, snapshot: str) -> None:
        """Deletes a snapshot, or ends its build. Refused while streams read it."""
        self._connection.call(lambda opened: opened.export.DeleteSnapshot, pb.DeleteSnapshotRequest(snapshot=snapshot))

    def watch(self, snapshot: str) -> Iterator[Snapshot]:
        """The snapshot now and about once a second until it is sealed or failed."""
        return watch(self._connection.patience, lambda: self._watch_once(snapshot))

    def wait(self, snapshot: str, *, progress: Callable[[Snapshot], None] | None = None) -> Snapshot:
        """Returns the sealed snapshot. Raises SnapshotFailedError where the build fails."""
        last = None
        for last in self.watch(snapshot):
            if progress:
                progress(last)
        if last is None or last.state == "BUILDING":
            raise UnavailableError("the server ended the watch before the build ended", code="UNAVAILABLE")
        if last.state == "FAILED":
            raise SnapshotFailedError(
                last.failure,
                code="FAILED_PRECONDITION",
                reason="SNAPSHOT_FAILED",
                metadata={"snapshot": last.key, "problem": last.failure},
            )
        return last

    def _watch_once(self, snapshot: str) -> Iterator[Snapshot]:
        opened = self._connection.open()
        request = pb.WatchSnapshotRequest(snapshot=snapshot)
        call = opened.export.WatchSnapshot(request, metadata=opened.metadata)
        try:
            for response in call:
                yield from_snapshot(response.snapshot)
        finally:
            call.cancel()
