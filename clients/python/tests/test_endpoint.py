from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from loraloop import Client, ConfigurationError, UnavailableError
from loraloop._endpoint import Endpoint, find_endpoint


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("LORALOOP_ADDRESS", raising=False)
    monkeypatch.delenv("LORALOOP_TOKEN", raising=False)
    return tmp_path


def leave_server(state: Path, address: str) -> None:
    (state / "token").write_text("left\n")
    (state / "loraloop").mkdir()
    left = {"address": address, "token_file": str(state / "token")}
    (state / "loraloop" / "server.json").write_text(json.dumps(left))


def test_what_is_given_wins(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_server(state, "127.0.0.1:1")
    monkeypatch.setenv("LORALOOP_ADDRESS", "a:2")
    monkeypatch.setenv("LORALOOP_TOKEN", "environment")
    assert find_endpoint("b:3", "given") == Endpoint("b:3", "given")
    assert find_endpoint(None, None) == Endpoint("a:2", "environment")


def test_finds_what_up_left(state: Path) -> None:
    leave_server(state, "127.0.0.1:7777")
    assert find_endpoint(None, None) == Endpoint("127.0.0.1:7777", "left")
    assert find_endpoint("localhost:7777", None) == Endpoint("localhost:7777", "left")


def test_shows_the_local_token_to_nobody_else(state: Path) -> None:
    leave_server(state, "127.0.0.1:7777")
    with pytest.raises(ConfigurationError, match="LORALOOP_TOKEN"):
        find_endpoint("elsewhere:7777", None)


def test_the_token_that_was_left_is_gone(state: Path) -> None:
    leave_server(state, "127.0.0.1:7777")
    (state / "token").unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        find_endpoint(None, None)


def test_no_token_at_all() -> None:
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:50051"):
        list(Client().collections())


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("unix:/tmp/x", True),
        ("10.0.0.1:1", False),
        ("a:1", False),
    ],
)
def test_which_addresses_are_local(address: str, local: bool) -> None:
    assert Endpoint(address, "t").local is local


def test_nobody_listens() -> None:
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"no server answers at 127\.0\.0\.1:1: is it running") as caught:
        Client("127.0.0.1:1", "token").get("c", "x")
    assert caught.value.retryable
    assert time.monotonic() - began < 10
