from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import orjson

from loraloop._block_cache import BlockCache
from loraloop._connection import Connection
from loraloop._cursor import Cursor
from loraloop._datasets import Datasets
from loraloop._endpoint import Tls, registry_endpoint
from loraloop._ingest import AnyRecord, Ingest, IngestResult
from loraloop._plan import Plan, Share
from loraloop._plans import Plans
from loraloop._records import Collection, Record, from_collection, from_record, to_record
from loraloop._registry.registry import Registry
from loraloop._results import Preview, Validation, from_preview, from_validation
from loraloop._runs import Runs
from loraloop._snapshots import Snapshots
from loraloop._source import to_source
from loraloop._stream import SampleStream
from loraloop._stream_request import Compression, to_stream_request
from loraloop._times import Time
from loraloop.corpus.v1 import corpus_service_pb2 as corpus
from loraloop.export.v1 import export_service_pb2 as export


class Client:
    """A connection to a loraloop server, opened when it is first used. Picklable, and usable after a fork.

    `address` is `host:port`; by default LORALOOP_ADDRESS, else where `loraloop up` runs on this machine, else
    `127.0.0.1:50051`. `token` is by default LORALOOP_TOKEN, else the one that `loraloop up` left. `tls` is False for
    plain text, True for the system's authorities, or a PEM file (or its bytes) with others. A unary call takes at most
    `timeout` seconds, retries of idempotent ones included; a stream or ingest whose connection breaks tries to go on
    for `patience` seconds without progress. Where the registry is another server, `registry_address` and
    `registry_token` say so, by default LORALOOP_REGISTRY_ADDRESS and LORALOOP_REGISTRY_TOKEN. Methods raise
    LoraloopErrors, see `loraloop.errors`.
    """

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        tls: Tls = False,
        timeout: float = 30.0,
        patience: float = 300.0,
        registry_address: str | None = None,
        registry_token: str | None = None,
    ) -> None:
        self._connection = Connection(address, token, tls, timeout, patience)
        elsewhere = registry_endpoint(registry_address, registry_token, address, token)
        self._registry_connection = Connection(*elsewhere, tls, timeout, patience) if elsewhere else self._connection
        self.datasets = Datasets(self._connection)
        self.snapshots = Snapshots(self._connection)
        self.plans = Plans(self._connection)
        self.runs = Runs(self._connection)
        self.registry = Registry(self._registry_connection)

    def ingest(
        self,
        collection: str,
        records: Iterable[AnyRecord],
        *,
        id_field: str = "id",
        ingest_id: str | None = None,
        progress: Callable[[IngestResult], None] | None = None,
    ) -> IngestResult:
        """Writes any number of records; returns when all are on disk.

        The collection is made where it does not exist. A dict is the record's fields, and what `id_field` holds is its
        id too. Bad records are in the result's `errors`, the rest goes on. Memory holds four chunks of at most 500
        records. `progress` is called after each acknowledged chunk. The same `ingest_id` (random by default) over the
        same records goes on where an earlier call was interrupted. Until it is committed, or ten minutes after its
        last chunk, datasets refuse to read the collection.
        """
        ingest = Ingest(
            self._connection, collection, records, id_field=id_field, ingest_id=ingest_id, progress=progress
        )
        return ingest.run()

    def upsert(self, collection: str, records: Iterable[AnyRecord], *, id_field: str = "id") -> Sequence[str]:
        """Writes at most 500 records in one commit, all or none; returns their ids in order."""
        encoded = [to_record(record, id_field) for record in records]
        request = corpus.UpsertRecordsRequest(collection=collection, records=encoded)
        # The server gives a missing id: sent twice, such a record would be there twice.
        idempotent = all(record.id for record in encoded)
        response = self._connection.call(lambda opened: opened.corpus.UpsertRecords, request, idempotent=idempotent)
        return list(response.ids)

    def get(self, collection: str, id: str, *, revision: int | None = None) -> Record:  # noqa: A002 (the field's name)
        """One record, as of a revision or now."""
        request = corpus.GetRecordRequest(collection=collection, id=id, revision=revision)
        return from_record(self._connection.call(lambda opened: opened.corpus.GetRecord, request).record)

    def list(self, collection: str, *, id_prefix: str = "", revision: int | None = None) -> Iterator[Record]:
        """Records by id, all as of the same revision."""
        request = corpus.ListRecordsRequest(collection=collection, id_prefix=id_prefix, revision=revision)
        while True:
            response = self._connection.call(lambda opened: opened.corpus.ListRecords, request)
            yield from map(from_record, response.records)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def delete(self, collection: str, ids: Iterable[str]) -> int:
        """Deletes at most 500 records in one commit; returns how many existed."""
        request = corpus.DeleteRecordsRequest(collection=collection, ids=ids)
        return self._connection.call(lambda opened: opened.corpus.DeleteRecords, request).deleted_count

    def collections(self) -> Iterator[Collection]:
        """All collections by name."""
        request = corpus.ListCollectionsRequest()
        while True:
            response = self._connection.call(lambda opened: opened.corpus.ListCollections, request)
            yield from map(from_collection, response.collections)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def preview(
        self,
        dataset: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        split: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        sample_count: int = 10,
    ) -> Preview:
        """Shows the first samples with the reasons for their weights, and the first rejects. Stores nothing."""
        source = to_source(dataset, spec, None, split, as_of, revision, allow_open_ingest)
        request = export.PreviewSamplesRequest(source=source, sample_count=sample_count)
        return from_preview(self._connection.call(lambda opened: opened.export.PreviewSamples, request))

    def validate(
        self, sample: Mapping[str, Any], *, schema: Mapping[str, Any] | str | None = None, dataset: str | None = None
    ) -> Validation:
        """Checks one sample against a JSON Schema (dict or text) or a dataset's."""
        if (schema is None) == (dataset is None):
            raise TypeError("give exactly one of schema= and dataset=")
        request = export.ValidateSampleRequest(sample_json=orjson.dumps(sample).decode())
        if dataset is not None:
            request.dataset = dataset
        if schema is not None:
            request.json_schema = schema if isinstance(schema, str) else orjson.dumps(schema).decode()
        return from_validation(self._connection.call(lambda opened: opened.export.ValidateSample, request))

    def stream(
        self,
        dataset: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        snapshot: str | None = None,
        split: str | None = None,
        as_of: Time | None = None,
        revision: int | None = None,
        allow_open_ingest: bool = False,
        plan: Plan | None = None,
        run: str | None = None,
        epoch: int = 0,
        rank: int = 0,
        world_size: int = 1,
        worker: int = 0,
        worker_count: int = 1,
        compression: Compression = "none",
        cache: BlockCache | None = None,
        batch_size: int = 0,
        with_ids: bool = False,
        resume: Mapping[str, Any] | None = None,
    ) -> SampleStream:
        """Streams samples of a dataset (`name` or `name@3`), of an unnamed one, or of a snapshot.

        Nothing is sent before the first sample is asked for. They come in the order of `plan`, by default of the
        snapshot; or of an epoch of a run. Of each global batch, rank r of `world_size` gets its part; its workers take
        whole batches in turn, the first worker the one at which the call begins. `compression` packs frames for slow
        networks; with a `cache` only references come, and their blocks once (both together raise ConfigurationError).
        `batch_size` is the most samples of a frame (0: the server chooses) and changes nothing else. `with_ids` adds
        `record_id` and `index` to samples. `resume` is a `state_dict()` of a stream of the same source and plan, whose
        epoch it goes on with; all else may differ.
        """
        source = (dataset, spec, snapshot, split, as_of, revision, allow_open_ingest)
        share = Share(rank, world_size, worker, worker_count)
        request = to_stream_request(source, plan, run, epoch, share, compression, cache is not None, batch_size)
        return SampleStream(self._connection, Cursor(request, share, resume), cache, with_ids)

    def close(self) -> None:
        """Ends every call. Idempotent."""
        self._connection.close()
        self._registry_connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
