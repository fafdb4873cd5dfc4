from __future__ import annotations

from typing import Any, Literal, TypeAlias

from loraloop._plan import Plan, Share
from loraloop._plans import to_stream_source
from loraloop.errors import ConfigurationError
from loraloop.export.v1 import export_service_pb2 as pb

#: How lines are packed: not at all for servers near by, by zstd for those far away.
Compression: TypeAlias = Literal["none", "zstd"]
_COMPRESSIONS = {"none": pb.COMPRESSION_NONE, "zstd": pb.COMPRESSION_ZSTD}


def to_stream_request(
    source: tuple[Any, ...],
    plan: Plan | None,
    run: str | None,
    epoch: int,
    share: Share,
    compression: Compression,
    cached: bool,
    batch_size: int,
) -> pb.StreamSamplesRequest:
    """Parts of a stream, and references, are those of a plan: without one, of the snapshot's order.

    Raises ConfigurationError for a cache with compression, which would pack no lines.
    """
    if cached and compression != "none":
        raise ConfigurationError(
            f"compression={compression!r} packs lines, and with a cache only references to blocks come: leave one out"
        )
    if plan is None and run is None and (cached or not share.is_whole):
        plan = Plan()
    return pb.StreamSamplesRequest(
        **to_stream_source(source, plan, run, epoch),
        compression=_COMPRESSIONS[compression],
        delivery=pb.DELIVERY_REFERENCES if cached else pb.DELIVERY_LINES,
        batch_size=batch_size,
    )
