"""Streams in Hugging Face's and TRL's trainers: `class MyTrainer(StreamingTrainerMixin, SFTTrainer): pass`."""

from __future__ import annotations

from loraloop.errors import MissingExtraError

try:
    import accelerate  # noqa: F401
    import transformers  # noqa: F401
except ImportError as missing:
    raise MissingExtraError('loraloop.trainer needs transformers: pip install "loraloop[train]"') from missing

from loraloop.trainer._callback import StreamingCallback
from loraloop.trainer._mixin import StreamingTrainerMixin
from loraloop.trainer._registration import RegistrationCallback

__all__ = ["RegistrationCallback", "StreamingCallback", "StreamingTrainerMixin"]
