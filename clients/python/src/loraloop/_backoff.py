from __future__ import annotations

import random
import time

from loraloop.errors import RpcError

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0


class Backoff:
    """Pauses between attempts: they double up to five seconds, with jitter, until the patience is over."""

    def __init__(self, patience: float) -> None:
        self._give_up = time.monotonic() + patience
        self._pause = _FIRST_PAUSE

    def wait(self, error: RpcError) -> None:
        """Sleeps before the next attempt. Raises `error` where it is final or the patience would be over."""
        time.sleep(self.next_pause(error))

    def next_pause(self, error: RpcError) -> float:
        """Seconds to sleep before the next attempt; raises as `wait`."""
        pause = max(error.retry_after or 0.0, self._pause * random.uniform(0.5, 1.0))
        if not error.retryable or time.monotonic() + pause > self._give_up:
            raise error
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)
        return pause
