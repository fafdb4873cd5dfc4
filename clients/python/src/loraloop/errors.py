"""Everything that this package raises on its own account.

LoraloopError
├── ConfigurationError            no token could be found, or options do not fit each other
├── MissingExtraError             also an ImportError: names the extra to install
├── ClosedError                   a stream or client was used after it was closed
├── WorkerStateError              the position of a stream is known to a worker process only
├── FileError                     a file or folder on this machine cannot be used
└── RpcError                      a call failed: `code`, `reason`, `metadata`, `retryable`
    ├── InvalidArgumentError      a value in the request is wrong; `metadata` names it
    │   └── RevisionCompactedError    the revision is no longer kept; list again
    ├── AuthenticationError       no token, or one that the server does not know
    ├── PermissionDeniedError     the token lacks a scope
    ├── NotFoundError
    ├── ConflictError             somebody else changed the same thing; read again
    ├── FailedPreconditionError   the request does not fit the state of the server
    │   ├── IngestClosedError     the ingest was committed or abandoned
    │   ├── SnapshotFailedError   the build ended with an error
    │   ├── SnapshotExpiredError  the snapshot was removed after its time to live
    │   ├── AdapterRefusedError   an adapter's files or configuration are wrong; `reason` and message say what to do
    │   ├── BaseModelMismatchError    an adapter is not for its base model or tokenizer
    │   ├── VersionNotServableError   an adapter version may not be served, or not by this engine
    │   └── SignatureError        a signature is missing or false
    ├── ResumeError               a saved stream state does not fit; `expected` and `actual` name both values
    │   ├── ResumeFormatError
    │   ├── ResumeOtherStoreError
    │   ├── ResumeOtherIncarnationError
    │   ├── ResumeOtherRequestError
    │   ├── ResumePlanUnknownError
    │   ├── ResumeBeyondEndError
    │   └── ResumeOtherRankError
    ├── LimitError                a limit; `metadata` names it
    ├── UnavailableError          the server cannot be reached or cannot answer now
    ├── DeadlineError             no answer in time
    └── ContentDamagedError       bytes do not have the digest that they were sent or stored with
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2

_TRANSPORT_FAULTS = frozenset({"INTERNAL", "UNKNOWN", "CANCELLED"})


class LoraloopError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(LoraloopError):
    """No token could be found, or options do not fit each other."""


class MissingExtraError(LoraloopError, ImportError):
    """A package is not installed; the message names the extra that brings it."""


class ClosedError(LoraloopError):
    """A stream or client was used after it was closed."""


class WorkerStateError(LoraloopError):
    """The position of a stream is known to a worker process only."""


class FileError(LoraloopError):
    """A file or folder on this machine cannot be used."""


class RpcError(LoraloopError):
    """A call failed.

    `code` is the name of the gRPC status, `reason` a name of `loraloop.common.v1.ErrorReason` without its prefix (empty
    where the failure happened on the way), `metadata` holds every value that the message mentions, `retry_after` the
    seconds that the server asks to wait (None where it does not ask), `retryable` tells whether the same call may
    succeed later.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        self.retryable = _is_retryable(code, reason, retry_after)

    def __str__(self) -> str:
        return f"{self.args[0]} [{self.reason or self.code}]"


class InvalidArgumentError(RpcError):
    """A value in the request is wrong."""


class RevisionCompactedError(InvalidArgumentError):
    """The revision is no longer kept: list again, and watch from there."""


class AuthenticationError(RpcError):
    """No token, or one that the server does not know."""


class PermissionDeniedError(RpcError):
    """The token lacks the scope in `metadata["scope"]`."""


class NotFoundError(RpcError):
    """What was named does not exist."""


class ConflictError(RpcError):
    """Somebody else changed the same thing; read again and retry."""


class FailedPreconditionError(RpcError):
    """The request does not fit the state of the server."""


class IngestClosedError(FailedPreconditionError):
    """The ingest was committed or abandoned; start another."""


class SnapshotFailedError(FailedPreconditionError):
    """The build ended with an error."""


class SnapshotExpiredError(FailedPreconditionError):
    """The snapshot was removed after its time to live; stream again from the start."""


class AdapterRefusedError(FailedPreconditionError):
    """An adapter's files or configuration are wrong; `metadata` names file, tensor or field."""


class BaseModelMismatchError(FailedPreconditionError):
    """An adapter was trained on another base model or tokenizer than it is registered for."""


class VersionNotServableError(FailedPreconditionError):
    """An adapter version may not be served, or not by this engine: `metadata["problem"]` says why."""


class SignatureError(FailedPreconditionError):
    """A signature is missing or false."""


class ResumeError(RpcError):
    """A saved stream state does not fit. `expected` and `actual` are the two values, empty where there are none."""

    @property
    def expected(self) -> str:
        return self.metadata.get("expected", "")

    @property
    def actual(self) -> str:
        return self.metadata.get("actual", "")


class ResumeFormatError(ResumeError):
    """The state has another format, or is none."""


class ResumeOtherStoreError(ResumeError):
    """The state is from another store."""


class ResumeOtherIncarnationError(ResumeError):
    """The store was restored since."""


class ResumeOtherRequestError(ResumeError):
    """The state belongs to another request."""


class ResumePlanUnknownError(ResumeError):
    """The server does not know the plan, or it belongs to somebody else."""


class ResumeBeyondEndError(ResumeError):
    """The state is beyond the last sample."""


class ResumeOtherRankError(ResumeError):
    """The states of two ranks differ."""


class LimitError(RpcError):
    """A limit was exceeded."""


class UnavailableError(RpcError):
    """The server cannot be reached or cannot answer now."""


class DeadlineError(RpcError):
    """No answer in time."""


class ContentDamagedError(RpcError):
    """Bytes do not have the digest that they were sent or stored with."""


_BY_REASON: Mapping[str, type[RpcError]] = {
    "REVISION_COMPACTED": RevisionCompactedError,
    "INGEST_CLOSED": IngestClosedError,
    "SNAPSHOT_FAILED": SnapshotFailedError,
    "SNAPSHOT_EXPIRED": SnapshotExpiredError,
    "RESUME_FORMAT_UNKNOWN": ResumeFormatError,
    "RESUME_OTHER_STORE": ResumeOtherStoreError,
    "RESUME_OTHER_INCARNATION": ResumeOtherIncarnationError,
    "RESUME_OTHER_REQUEST": ResumeOtherRequestError,
    "RESUME_PLAN_UNKNOWN": ResumePlanUnknownError,
    "RESUME_BEYOND_END": ResumeBeyondEndError,
    "RESUME_OTHER_RANK": ResumeOtherRankError,
    "ADAPTER_CONFIGURATION_INVALID": AdapterRefusedError,
    "ADAPTER_FILE_CHANGED": AdapterRefusedError,
    "ADAPTER_FILE_FORBIDDEN": AdapterRefusedError,
    "ADAPTER_FILE_MISSING": AdapterRefusedError,
    "ADAPTER_HEADER_INVALID": AdapterRefusedError,
    "ADAPTER_NOT_FINITE": AdapterRefusedError,
    "ADAPTER_SHAPE_MISMATCH": AdapterRefusedError,
    "ADAPTER_TARGETS_UNKNOWN": AdapterRefusedError,
    "ADAPTER_TENSOR_MISSING": AdapterRefusedError,
    "ADAPTER_TENSOR_TYPE": AdapterRefusedError,
    "ADAPTER_TENSOR_UNEXPECTED": AdapterRefusedError,
    "BASE_MODEL_MISMATCH": BaseModelMismatchError,
    "TOKENIZER_MISMATCH": BaseModelMismatchError,
    "VERSION_NOT_SERVABLE": VersionNotServableError,
    "SIGNATURE_INVALID": SignatureError,
    "SIGNATURE_REQUIRED": SignatureError,
}

_BY_CODE: Mapping[str, type[RpcError]] = {
    "INVALID_ARGUMENT": InvalidArgumentError,
    "OUT_OF_RANGE": InvalidArgumentError,
    "UNAUTHENTICATED": AuthenticationError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "NOT_FOUND": NotFoundError,
    "ABORTED": ConflictError,
    "FAILED_PRECONDITION": FailedPreconditionError,
    "RESOURCE_EXHAUSTED": LimitError,
    "UNAVAILABLE": UnavailableError,
    "DEADLINE_EXCEEDED": DeadlineError,
    "DATA_LOSS": ContentDamagedError,
}


def _is_retryable(code: str, reason: str, retry_after: float | None) -> bool:
    """The server gives each of its failures a reason: INTERNAL and the like without one are a broken connection."""
    if retry_after is not None:
        return True
    if code == "UNAVAILABLE":
        # Without a time to try again at, none is configured.
        return reason != "EXPORT_UNAVAILABLE"
    return reason == "" and code in _TRANSPORT_FAULTS


def make_error(
    message: str, *, code: str, reason: str, metadata: Mapping[str, str], retry_after: float | None = None
) -> RpcError:
    """Makes the most specific error for a reason and a code."""
    kind = _BY_REASON.get(reason) or _BY_CODE.get(code, RpcError)
    return kind(message, code=code, reason=reason, metadata=metadata, retry_after=retry_after)


def from_grpc(error: grpc.RpcError) -> RpcError:
    """Translates what grpcio raised."""
    # What a call raises is the call itself; the types do not say so.
    call = cast("grpc.Call", error)
    info, retry_after = _details(call)
    message = call.details() or "the call failed without a message"
    return make_error(
        message, code=call.code().name, reason=info.reason, metadata=info.metadata, retry_after=retry_after
    )


def _details(call: grpc.Call) -> tuple[error_details_pb2.ErrorInfo, float | None]:
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    retry_after = None
    for key, value in call.trailing_metadata() or ():
        if key != "grpc-status-details-bin" or not isinstance(value, bytes):
            continue
        for detail in status_pb2.Status.FromString(value).details:
            detail.Unpack(info)
            if detail.Unpack(retry):
                retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return info, retry_after
