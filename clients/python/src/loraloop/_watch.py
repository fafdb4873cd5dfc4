from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import grpc

from loraloop._backoff import Backoff
from loraloop.errors import from_grpc

Update = TypeVar("Update")


def watch(patience: float, once: Callable[[], Iterator[Update]]) -> Iterator[Update]:
    """The updates of one call, and of further ones while the server is away for no longer than `patience` seconds."""
    backoff = None
    while True:
        try:
            for update in once():
                backoff = None
                yield update
            return
        except grpc.RpcError as failure:
            error = from_grpc(failure)
        backoff = backoff or Backoff(patience)
        backoff.wait(error)
