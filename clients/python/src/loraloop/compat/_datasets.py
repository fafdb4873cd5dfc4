from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from loraloop._batch import Sample
from loraloop._block_cache import BlockCache
from loraloop._plan import Share
from loraloop._state import StreamState
from loraloop.client import Client
from loraloop.compat._query import to_address, to_dataset_spec
from loraloop.errors import ResumeBeyondEndError
from loraloop.torch import StreamingDataset

_DEFAULT_BATCH_SIZE = 100


class ThemisDBStreamDataset(StreamingDataset):
    """A stream of the newest records that a query describes, as a torch dataset.

    `base_url` is the server's address (`http://host:50051`, or `https://` for TLS; found as `Client` finds it where
    None), `query_params` has `theme`, `domain`, `from_date`, `to_date`, `format`, `field_mapping`, `weighting`,
    `quality`, `metadata_fields`, `batch_size`, and `collection` (by default LORALOOP_COLLECTION). With `cache_dir`, or
    `cache_enabled = True` for a cache in memory, later epochs fetch only what changed. A pass that was broken off
    leaves nothing behind that another one could take for a whole.
    """

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        query_params: Mapping[str, Any] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.base_url = base_url
        self.token = token
        self.query_params = dict(query_params or {})
        self.cache_dir = cache_dir
        self.cache = BlockCache(cache_dir)
        super().__init__(client=_new_client(base_url, token), spec=to_dataset_spec(self.query_params))
        self._delivery["batch_size"] = self.query_params.get("batch_size", _DEFAULT_BATCH_SIZE)
        self.cache_enabled = cache_dir is not None

    @property
    def cache_enabled(self) -> bool:
        """Whether blocks are kept for later epochs."""
        return self._delivery["cache"] is not None

    @cache_enabled.setter
    def cache_enabled(self, enabled: bool) -> None:
        self._delivery["cache"] = self.cache if enabled else None


class CachedThemisDBDataset(ThemisDBStreamDataset):
    """With access to single samples: the 10,000 that were asked for last stay in memory."""

    _most_items = 10_000

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._items: OrderedDict[int, Sample] = OrderedDict()
        self._point: StreamState | None = None

    def _fetch_item(self, index: int) -> Sample:
        """The sample at an index, as of the first call. Raises IndexError beyond the end."""
        if index not in self._items:
            self._read_from(index)
        self._items.move_to_end(index)
        return self._items[index]

    def _read_from(self, index: int) -> None:
        """Its neighbours come with it."""
        if self._point is None:
            self._point = self.open_stream(Share()).state_dict()
        if index < 0:
            raise IndexError(index)
        try:
            with self.open_stream(Share(), {**self._point, "next_index": index}) as stream:
                frame = next(stream.batches(), None)
        except ResumeBeyondEndError:
            frame = None
        if frame is None:
            raise IndexError(index)
        for place, sample in zip(frame.indices, frame.samples(), strict=True):
            self._items[place] = sample
        while len(self._items) > self._most_items:
            self._items.popitem(last=False)


class OptimizedStreamDataset(ThemisDBStreamDataset):
    """At most `prefetch_size` samples are decoded ahead; all of them are given out, the last ones too."""

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        query_params: Mapping[str, Any] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        prefetch_size: int = 1000,
    ) -> None:
        super().__init__(base_url, token, query_params, cache_dir)
        self.prefetch_size = prefetch_size
        self._delivery["batch_size"] = prefetch_size


def themisdb_generator(
    base_url: str | None = None, token: str | None = None, query_params: Mapping[str, Any] | None = None
) -> Iterator[Sample]:
    """The samples of a query, for `datasets.IterableDataset.from_generator`."""
    query = dict(query_params or {})
    batch_size = query.get("batch_size", _DEFAULT_BATCH_SIZE)
    with _new_client(base_url, token) as client:
        yield from client.stream(spec=to_dataset_spec(query), batch_size=batch_size)


def _new_client(base_url: str | None, token: str | None) -> Client:
    if base_url is None:
        return Client(token=token)
    address, tls = to_address(base_url)
    return Client(address, token, tls=tls)
