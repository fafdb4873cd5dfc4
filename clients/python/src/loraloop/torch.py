"""Samples for PyTorch."""

from __future__ import annotations

from loraloop._state import merge_states as merge_state_dicts
from loraloop.errors import MissingExtraError

try:
    import torch  # noqa: F401
except ImportError as missing:
    raise MissingExtraError('loraloop.torch needs PyTorch: pip install "loraloop[torch]"') from missing

from loraloop._streaming_dataset import StreamingDataset
from loraloop._streaming_loader import StreamingDataLoader

__all__ = ["StreamingDataLoader", "StreamingDataset", "merge_state_dicts"]
