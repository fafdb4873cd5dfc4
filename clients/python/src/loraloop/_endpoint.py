"""Where the server is and how to speak to it."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import grpc
import grpc.aio
from grpc.experimental import ChannelOptions

from loraloop.errors import ConfigurationError

DEFAULT_ADDRESS = "127.0.0.1:50051"
# As `message_bytes` of the server's limits.
MESSAGE_BYTES = 16 * 1024 * 1024
# What the server may send ahead of the reader.
STREAM_WINDOW_BYTES = 4 * 1024 * 1024

# What may stand after `Bearer` (RFC 6750): nothing that a header refuses, no quotes that came along.
_TOKEN = re.compile(r"[\w.~+/-]+=*", re.ASCII)
_TOKEN_ID = re.compile(r"ll_[a-z2-7]{12}_")

#: False: plain text. True: the authorities of the system. A path or PEM bytes: these authorities.
Tls: TypeAlias = "bool | str | os.PathLike[str] | bytes"


@dataclass(frozen=True)
class Endpoint:
    """An address and the token to show there."""

    address: str
    token: str = field(repr=False)

    @property
    def local(self) -> bool:
        return self.address.startswith("unix:") or _is_loopback(_host(self.address))


def find_endpoint(address: str | None, token: str | None) -> Endpoint:
    """Takes what is given, else the environment, else what `loraloop up` left on this machine."""
    left = _left_by_up()
    address = address or os.environ.get("LORALOOP_ADDRESS") or left.get("address") or DEFAULT_ADDRESS
    token = _given_token(token, "token=", "LORALOOP_TOKEN")
    if token is None and _same_server(address, left.get("address", "")):
        token = _read_token(left["token_file"])
    if token is None:
        raise ConfigurationError(
            f"no token for {address}: pass token=, set LORALOOP_TOKEN, or run `loraloop up` on this machine"
        )
    return Endpoint(address, token)


def registry_endpoint(
    registry_address: str | None, registry_token: str | None, address: str | None, token: str | None
) -> tuple[str | None, str | None] | None:
    """Address and token of a registry that is another server; None where it is at the same address."""
    registry_address = registry_address or os.environ.get("LORALOOP_REGISTRY_ADDRESS")
    registry_token = _given_token(registry_token, "registry_token=", "LORALOOP_REGISTRY_TOKEN")
    if not registry_address and not registry_token:
        return None
    return registry_address or address, registry_token or token


def open_channel(endpoint: Endpoint, tls: Tls) -> grpc.Channel:
    """Opens a channel with a connection of its own; nothing is sent before the first call."""
    _keep_freed_memory()
    options = _channel_options(endpoint)
    if tls is False:
        return grpc.insecure_channel(endpoint.address, options)
    return grpc.secure_channel(endpoint.address, grpc.ssl_channel_credentials(_certificates(tls)), options)


def open_async_channel(endpoint: Endpoint, tls: Tls) -> grpc.aio.Channel:
    """As `open_channel`, for asyncio."""
    _keep_freed_memory()
    options = _channel_options(endpoint)
    if tls is False:
        return grpc.aio.insecure_channel(endpoint.address, options)
    return grpc.aio.secure_channel(endpoint.address, grpc.ssl_channel_credentials(_certificates(tls)), options)


def _keep_freed_memory() -> None:
    """Lets frames lie where others lay before.

    glibc gives the memory of each back to the system, and asks for it again, until it has seen larger pieces come and
    go: a tenth of a stream's processor time. Then it keeps at most twice as much as this.
    """
    bytearray(STREAM_WINDOW_BYTES)


def _channel_options(endpoint: Endpoint) -> Sequence[tuple[str, int]]:
    options = [
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 15_000),
        ("grpc.http2.max_pings_without_data", 0),
        # Retries are ours: the channel must not refuse to try for minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.enable_retries", 0),
        # The reader's own thread receives: 0.5 to 1.5 microseconds of processor time less for each sample of 2 kB.
        (ChannelOptions.SingleThreadedUnaryStream, 1),
        ("grpc.http2.lookahead_bytes", STREAM_WINDOW_BYTES),
        ("grpc.http2.bdp_probe", 0),
        # Another client of this process that makes the server close its connection must not close ours.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return [*options, ("grpc.enable_http_proxy", 0)] if endpoint.local else options


def _certificates(tls: Tls) -> bytes | None:
    if isinstance(tls, bytes):
        return tls
    return None if isinstance(tls, bool) else Path(tls).read_bytes()


def _left_by_up() -> dict[str, str]:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    try:
        left = json.loads((Path(state) / "loraloop" / "server.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return left if isinstance(left, dict) and {"address", "token_file"} <= left.keys() else {}


def _read_token(file: str) -> str | None:
    try:
        return _to_token(Path(file).read_text("utf-8", "replace"), file)
    except OSError as error:
        raise ConfigurationError(f"the token that `loraloop up` left cannot be read: {error}") from error


def _given_token(given: str | None, origin: str, variable: str) -> str | None:
    return _to_token(given, origin) or _to_token(os.environ.get(variable), variable)


def _to_token(text: str | None, origin: str) -> str | None:
    """Leaves out the white space around it. What can be no token is refused, and its public id at most is shown."""
    token = (text or "").strip()
    if not token:
        return None
    if _TOKEN.fullmatch(token):
        return token
    found = _TOKEN_ID.search(token)
    shown = f" ({found.group()}…)" if found else ""
    raise ConfigurationError(
        f"{origin} holds no token{shown}: only letters, digits and -._~+/ may be in one; copy it again, without quotes"
    )


def _same_server(one: str, other: str) -> bool:
    if one == other:
        return True
    return (
        _is_loopback(_host(one)) and _is_loopback(_host(other)) and one.rpartition(":")[2] == other.rpartition(":")[2]
    )


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
