from __future__ import annotations

from typing import Any

import orjson
import torch

_BYTES = 4096


class SharedJson:
    """A small JSON value that a process and its DataLoader workers see, forked or spawned, also while they live on.

    Its memory has no name that could outlive the processes. One process writes, between the passes of the others.
    """

    def __init__(self, value: Any) -> None:
        self._bytes = torch.zeros(_BYTES, dtype=torch.uint8)
        self._bytes.share_memory_()  # type: ignore[no-untyped-call]
        self.set(value)

    def get(self) -> Any:
        return orjson.loads(bytes(self._bytes.tolist()).rstrip(b"\0"))

    def set(self, value: Any) -> None:
        text = orjson.dumps(value)
        if len(text) > _BYTES:
            raise ValueError(f"{len(text)} bytes do not fit into {_BYTES}")
        padded = text.ljust(_BYTES, b"\0")
        self._bytes.copy_(torch.frombuffer(bytearray(padded), dtype=torch.uint8))
