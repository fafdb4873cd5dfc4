"""The names and arguments of the first drafts, for scripts written after them. New ones use `loraloop.torch`."""

from loraloop.compat._datasets import (
    CachedThemisDBDataset,
    OptimizedStreamDataset,
    ThemisDBStreamDataset,
    themisdb_generator,
)

__all__ = ["CachedThemisDBDataset", "OptimizedStreamDataset", "ThemisDBStreamDataset", "themisdb_generator"]
