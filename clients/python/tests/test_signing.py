"""Bundles as all clients make them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from loraloop import ArtifactFile, ConfigurationError, MissingExtraError
from loraloop._registry.signing import sign_files
from tests.server import ROOT

GOLDEN = json.loads((ROOT / "test/data/model-signatures.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: vector["what"])
def test_a_bundle_has_the_same_bytes_as_of_all_clients(vector: dict[str, Any]) -> None:
    files = [ArtifactFile(file["path"], 0, file["digest"]) for file in reversed(vector["files"])]
    assert sign_files(files, vector["private_key"].encode(), vector["name"]) == vector["bundle"]


def test_another_kind_of_key_is_refused() -> None:
    pem = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ConfigurationError, match="expected Ed25519"):
        sign_files([], pem, "legal-qa")
    with pytest.raises(ConfigurationError, match="PEM without a passphrase"):
        sign_files([], b"no key", "legal-qa")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(MissingExtraError, match=r"loraloop\[sign\]"):
        sign_files([], b"", "legal-qa")
