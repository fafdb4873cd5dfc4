from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loraloop._connection import Connection
from loraloop._results import Dataset, from_dataset
from loraloop._spec import to_spec
from loraloop.export.v1 import export_service_pb2 as pb


class Datasets:
    """Named, versioned recipes: `client.datasets`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, name: str, spec: Mapping[str, Any], *, expected_version: int | None = None) -> Dataset:
        """Puts a version; a spec that equals the newest version gives that version.

        `spec` has the names of `loraloop.export.v1.DatasetSpec`; unknown keys are refused by name. A part's source may
        be written as the field's name alone, a JSON Schema as a dict. With `expected_version` (0: there is none) a
        ConflictError tells that somebody else was faster.
        """
        request = pb.PutDatasetRequest(name=name, spec=to_spec(spec), expected_version=expected_version)
        return from_dataset(self._connection.call(lambda opened: opened.export.PutDataset, request).dataset)

    def get(self, name: str, *, version: int = 0) -> Dataset:
        """One version, the newest by default."""
        request = pb.GetDatasetRequest(name=name, version=version)
        return from_dataset(self._connection.call(lambda opened: opened.export.GetDataset, request).dataset)

    def list(self) -> Iterator[Dataset]:
        """The newest version of each dataset, by name."""
        request = pb.ListDatasetsRequest()
        while True:
            response = self._connection.call(lambda opened: opened.export.ListDatasets, request)
            yield from map(from_dataset, response.datasets)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def delete(self, name: str) -> None:
        """Deletes a dataset with all its versions; snapshots stay."""
        self._connection.call(lambda opened: opened.export.DeleteDataset, pb.DeleteDatasetRequest(name=name))
