from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from loraloop import Client, ConfigurationError, UnavailableError
from loraloop._endpoint import Endpoint, find_endpoint, registry_endpoint


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


SECRET = "S3cret" * 7 + "S"
TOKEN = f"ll_abcdefghijkl_{SECRET}"


def test_white_space_around_a_token_is_left_out(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_endpoint("a:1", f" {TOKEN}\r\n").token == TOKEN
    assert registry_endpoint("a:1", f"{TOKEN}\r", None, None) == ("a:1", TOKEN)
    monkeypatch.setenv("LORALOOP_TOKEN", f"{TOKEN}\r")
    assert find_endpoint("a:1", None).token == TOKEN
    monkeypatch.setenv("LORALOOP_TOKEN", " ")
    leave_server(state, "127.0.0.1:7777")
    assert find_endpoint(None, None).token == "left"


@pytest.mark.parametrize(
    "given", [f"“{TOKEN}”", f'"{TOKEN}"', f"Bearer {TOKEN}", f"{TOKEN}\n{TOKEN}", f"\u200b{TOKEN}", f"{TOKEN}\u0660"]
)
def test_what_can_be_no_token_is_refused_without_being_shown(
    state: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    leave_server(state, "127.0.0.1:7777")
    (state / "token").write_text(given, "utf-8")
    with pytest.raises(ConfigurationError) as of_argument:
        find_endpoint(None, given)
    with pytest.raises(ConfigurationError) as of_file:
        find_endpoint(None, None)
    with pytest.raises(ConfigurationError) as of_registry:
        Client("a:1", TOKEN, registry_token=given)
    monkeypatch.setenv("LORALOOP_TOKEN", given)
    with pytest.raises(ConfigurationError) as of_environment:
        Client().get("c", "x")
    caught = {
        "token=": of_argument,
        str(state / "token"): of_file,
        "registry_token=": of_registry,
        "LORALOOP_TOKEN": of_environment,
    }
    for origin, error in caught.items():
        assert str(error.value).startswith(f"{origin} holds no token (ll_abcdefghijkl_…): ")
        assert SECRET not in str(error.value)


def test_an_endpoint_does_not_print_its_token() -> None:
    assert TOKEN not in repr(Endpoint("a:1", TOKEN))


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
