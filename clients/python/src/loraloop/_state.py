from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from loraloop.errors import ResumeError, make_error
from loraloop.export.v1.export_service_pb2 import ResumePoint

FORMAT = 1
#: What `state_dict()` returns: small plain JSON, the same in all client languages, without a secret.
StreamState: TypeAlias = "dict[str, Any]"

#: The keys that name what is streamed, and why a state that differs in one is refused.
_IDENTITY = {
    "store": "RESUME_OTHER_STORE",
    "incarnation": "RESUME_OTHER_INCARNATION",
    "request_hash": "RESUME_OTHER_REQUEST",
    "plan": "RESUME_PLAN_UNKNOWN",
}
_COUNTS = {"epoch": 2**32, "next_index": 2**63}
_KEYS = frozenset({"format", *_COUNTS, *_IDENTITY})


def to_state(point: ResumePoint, next_index: int) -> StreamState:
    return {
        "format": point.format,
        "store": point.store,
        "incarnation": point.incarnation,
        "request_hash": point.request_hash,
        "plan": point.plan,
        "epoch": point.epoch,
        "next_index": next_index,
    }


def to_resume_point(state: Mapping[str, Any]) -> ResumePoint:
    """Checks the form; whether the state fits the server's data is for the server to say."""
    if state.get("format") != FORMAT:
        raise _refusal("RESUME_FORMAT_UNKNOWN", "format", FORMAT, state.get("format"))
    if state.keys() != _KEYS:
        raise _refusal("RESUME_FORMAT_UNKNOWN", "keys", sorted(_KEYS), sorted(state))
    for key in _IDENTITY:
        if not isinstance(state[key], str):
            raise _refusal("RESUME_FORMAT_UNKNOWN", key, "a string", state[key])
    for key, maximum in _COUNTS.items():
        count = state[key]
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < maximum:
            raise _refusal("RESUME_FORMAT_UNKNOWN", key, "a count", count)
    return ResumePoint(**state)


def check_same_stream(expected: ResumePoint, actual: ResumePoint) -> None:
    """Raises a ResumeError that names both values where a resume point belongs to another stream."""
    for key, reason in _IDENTITY.items():
        if getattr(expected, key) != getattr(actual, key):
            raise _refusal(reason, key, getattr(expected, key), getattr(actual, key))


def merge_states(states: Sequence[Mapping[str, Any]]) -> StreamState:
    """The one state that those of all ranks are. Raises ResumeOtherRankError, naming two values, where they differ."""
    if not states:
        raise ValueError("no states")
    first = states[0]
    for rank, state in enumerate(states):
        for key in first.keys() | state.keys():
            if first.get(key) != state.get(key):
                raise _refusal("RESUME_OTHER_RANK", f"{key} of rank {rank}", first.get(key), state.get(key))
    return dict(first)


def _refusal(reason: str, key: str, expected: object, actual: object) -> ResumeError:
    error = make_error(
        f"the state's {key} is {actual!r}, expected {expected!r}",
        code="INVALID_ARGUMENT" if reason == "RESUME_FORMAT_UNKNOWN" else "FAILED_PRECONDITION",
        reason=reason,
        metadata={"expected": str(expected), "actual": str(actual)},
    )
    assert isinstance(error, ResumeError)
    return error
