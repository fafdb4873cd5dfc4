from __future__ import annotations

from typing import Any

import torch


def wait_for_all_ranks() -> None:
    if is_distributed():
        torch.distributed.barrier()


def gather_from_all_ranks(mine: Any) -> list[Any]:
    """What each rank gave, in order."""
    if not is_distributed():
        return [mine]
    gathered: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(gathered, mine)
    return gathered


def is_distributed() -> bool:
    """Whether this process is one of several that know each other."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
