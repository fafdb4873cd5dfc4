from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

from loraloop.errors import LoraloopError, RpcError

# A fork waits until no lease is being renewed: grpcio's locks must not be copied while they are held.
_renewing = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_renewing.acquire, after_in_parent=_renewing.release, after_in_child=_renewing.release)


class Renewal:
    """Renews a lease from a thread of its own, three times in its life, until it is stopped or nobody needs it."""

    def __init__(self, renew: Callable[[], None], seconds: float) -> None:
        stopped = threading.Event()
        self.stop = weakref.finalize(self, stopped.set)
        thread = threading.Thread(target=_keep, args=(renew, seconds / 3, stopped), name="loraloop-lease", daemon=True)
        thread.start()


def _keep(renew: Callable[[], None], pause: float, stopped: threading.Event) -> None:
    while not stopped.wait(pause):
        try:
            with _renewing:
                renew()
        except LoraloopError as error:
            # Once the run or the client is closed, whoever uses it next is told why.
            if not (isinstance(error, RpcError) and error.retryable):
                return
