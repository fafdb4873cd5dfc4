"""Samples for the Hugging Face libraries."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

from loraloop.errors import MissingExtraError

try:
    import datasets
except ImportError as missing:
    raise MissingExtraError('to_hf() needs the package datasets: pip install "loraloop[hf]"') from missing

if TYPE_CHECKING:
    from loraloop._batch import Sample
    from loraloop._stream import SampleStream

__all__ = ["to_hf"]


def to_hf(stream: SampleStream) -> datasets.IterableDataset:
    """A `datasets.IterableDataset` that begins, at every pass, where `stream` is now.

    Its own `state_dict` skips samples one by one on resume; the state of `loraloop.torch.StreamingDataset` does not.
    """
    return datasets.IterableDataset.from_generator(_samples, gen_kwargs={"stream": copy.copy(stream)})


def _samples(stream: SampleStream) -> Iterator[Sample]:
    yield from copy.copy(stream)
