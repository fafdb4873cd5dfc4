"""What people decide of adapters, versions and base models, at the real server."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import loraloop
from loraloop import Client, SignaturePolicy, TrustedKey
from tests.adapters import adapted, save_base_model
from tests.server import LoraloopServer, LoraloopUp


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoraloopServer]:
    """A server of its own: its signature policy is for all adapters."""
    server = LoraloopUp(tmp_path_factory.mktemp("administration"), "memory")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(up: LoraloopServer) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module")
def saved(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an adapter whose base model is registered as `llama`."""
    base, folder = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("saved")
    model = save_base_model("llama", base)
    client.registry.register_base_model(base, name="llama")
    adapted(model, target_modules=["q_proj"]).save_pretrained(str(folder))
    return folder


def test_adapters_are_put_deleted_and_restored(client: Client) -> None:
    registry = client.registry
    made = registry.put_adapter("empty", description="nothing yet", metadata={"team": "x"}, expected_revision=0)
    assert (made.name, made.description, made.metadata) == ("empty", "nothing yet", {"team": "x"})
    with pytest.raises(loraloop.ConflictError):
        registry.put_adapter("empty", expected_revision=0)
    registry.put_adapter("empty", metadata={"team": "y"}, expected_revision=made.revision)
    registry.delete_adapter("empty")
    assert "empty" not in [adapter.name for adapter in registry.list_adapters()]
    assert registry.restore_adapter("empty").metadata == {"team": "y"}


def test_versions_are_described_deleted_and_restored(client: Client, saved: Path) -> None:
    registry = client.registry
    version = registry.register(saved, adapter="gone", alias="production")
    described = registry.put_version_metadata(version.name, {"reviewed": "yes"})
    assert registry.get_version(version.name).metadata == described.metadata == {"reviewed": "yes"}
    with pytest.raises(loraloop.FailedPreconditionError):
        registry.delete_version(version.name)
    with pytest.raises(loraloop.FailedPreconditionError):
        registry.delete_adapter("gone")
    registry.move_alias("gone", "production", 0)
    registry.delete_version(version.name)
    assert registry.get_version(version.name).state == "DELETED"
    assert registry.restore_version(version.name).state == "READY"


def test_base_models_are_deleted_while_nobody_needs_them(client: Client, saved: Path) -> None:
    registry = client.registry
    registry.register(saved, adapter="needs")
    with pytest.raises(loraloop.FailedPreconditionError) as caught:
        registry.delete_base_model("llama")
    assert caught.value.reason == "BASE_MODEL_IN_USE"
    model = registry.get_base_model("llama")
    registry.register_base_model(dataclasses.replace(model, revision="other"))
    registry.delete_base_model("llama", "other")
    registry.delete_base_model("llama", "other")
    assert [model.revision for model in registry.list_base_models() if model.name == "llama"] == ["main"]


def test_documents_of_others_become_declared_versions(client: Client) -> None:
    entry = {"id": "tax-lora-r16-v1", "domain": ["tax"], "method": "lora", "rank": 16, "base_model_hash": "abc123"}
    document = json.dumps([entry])
    (validated,) = client.registry.import_versions(document, "ADAPTER_REGISTRY", validate_only=True)
    assert validated.state == "DECLARED"
    assert list(client.registry.list_versions(filter='version.state == "DECLARED"')) == []
    (first,), (second,) = (client.registry.import_versions(document, "ADAPTER_REGISTRY") for _ in range(2))
    assert (first.name, first.state, tuple(first.domains)) == (second.name, "DECLARED", ("tax",))
    with pytest.raises(loraloop.ConfigurationError, match=r"format is '\[\{.*expected one of ADAPTER_METADATA, "):
        client.registry.import_versions("ADAPTER_REGISTRY", document)  # type: ignore[arg-type]
    with pytest.raises(loraloop.ConfigurationError, match="format is 'GGUF'; expected one of "):
        client.registry.render_versions([first.name], "GGUF")  # type: ignore[arg-type]


def test_a_policy_says_which_keys_are_trusted(client: Client, saved: Path) -> None:
    registry = client.registry
    assert registry.get_signature_policy() == (SignaturePolicy(), 0)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    wanted = SignaturePolicy(required=True, trusted_keys=[TrustedKey(public, "us")])
    policy, revision = registry.put_signature_policy(wanted, expected_revision=0)
    (trusted,) = policy.trusted_keys
    assert (policy.required, trusted.description, len(trusted.key_id)) == (True, "us", 64)
    assert registry.get_signature_policy() == (policy, revision)
    with pytest.raises(loraloop.SignatureError):
        registry.register(saved, adapter="unsigned")
    signature = registry.register(saved, adapter="signed", private_key=key).signature
    assert signature is not None
    assert signature.key_id == trusted.key_id
    with pytest.raises(loraloop.ConflictError):
        registry.put_signature_policy(SignaturePolicy(), expected_revision=0)
    assert registry.put_signature_policy(SignaturePolicy(), expected_revision=revision)[0] == SignaturePolicy()
