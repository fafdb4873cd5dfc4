"""The end of a run together with the version that it made."""

from __future__ import annotations

import contextlib

from loraloop._connection import Connection
from loraloop._run_results import RunResult
from loraloop._runs import Run
from loraloop.errors import PermissionDeniedError, RpcError, make_error
from loraloop.registry.v1 import adapter_service_pb2 as pb

#: Of no files.
_NO_ARTIFACT = "0" * 64


def check_closable(connection: Connection, run: Run, request: pb.RegisterVersionRequest) -> None:
    """Refuses a run that is closed, unless with the version that this very request made."""
    # A token that may only write runs is told when it closes this one.
    with contextlib.suppress(PermissionDeniedError):
        result = run.info.result
        if result is not None and not (_is_of(request.adapter, result) and _made_version(connection, request)):
            problem = f"is closed with {result.adapter_version or result.message or 'another result'}"
            raise make_error(
                f"run {run.id!r} {problem}: nothing was registered; without close_run, a version of it still can be",
                code="FAILED_PRECONDITION",
                reason="RUN_CONFLICT",
                metadata={"run": run.id, "problem": problem},
            )


def close_with(run: Run, version: str) -> None:
    """Ends it as succeeded; where it cannot be, the error says that the version is there all the same."""
    try:
        run.close(adapter_version=version)
    except RpcError as error:
        raise make_error(
            f"{version} is registered, but its run could not be closed: {error.args[0]}",
            code=error.code,
            reason=error.reason,
            metadata={**error.metadata, "version": version},
            retry_after=error.retry_after,
        ) from error


def _is_of(adapter: str, result: RunResult) -> bool:
    return result.succeeded and result.adapter_version.startswith(f"{adapter}@")


def _made_version(connection: Connection, request: pb.RegisterVersionRequest) -> bool:
    """Whether it did: then another request is refused its id, and else its files, which are nowhere."""
    other = pb.RegisterVersionRequest(adapter=request.adapter, artifact=_NO_ARTIFACT, request=request.request)
    try:
        connection.call(lambda opened: opened.adapters.RegisterVersion, other, timeout=connection.patience)
    except RpcError as error:
        if error.reason not in ("ARTIFACT_NOT_FOUND", "FIELD_INVALID"):
            raise
        return error.reason == "FIELD_INVALID"
    return True
