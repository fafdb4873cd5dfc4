"""Signatures over the digests of files, as bundles of the OpenSSF model signing specification."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from loraloop._registry.values import ArtifactFile
from loraloop.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: A private Ed25519 key: a file in PEM without a passphrase, its bytes, or a key of `cryptography`.
PrivateKey: TypeAlias = "str | os.PathLike[str] | bytes | Ed25519PrivateKey"

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
#: At the root of a folder; never signed, whether they are there or not.
_UNSIGNED_PATHS = (".git", ".gitattributes", ".github", ".gitignore", "model.sig")


def sign_files(files: Sequence[ArtifactFile], private_key: PrivateKey, model: str) -> str:
    """Signs files by their digests; `model` is a name for them. The same arguments give the same bytes.

    `model.sig` and git's own files are left out. Needs the extra `sign`. ConfigurationError for another kind of key.
    """
    key = _read_key(private_key)
    payload = orjson.dumps(_statement(files, model))
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": _hint(key)}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": _PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(key.sign(_encode(payload))).decode(), "keyid": ""}],
        },
    }
    return orjson.dumps(bundle).decode()


def _read_key(private_key: PrivateKey) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as missing:
        raise MissingExtraError('signing needs cryptography: pip install "loraloop[sign]"') from missing
    if isinstance(private_key, Ed25519PrivateKey):
        return private_key
    pem = private_key if isinstance(private_key, bytes) else Path(private_key).read_bytes()
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the key is no private key in PEM without a passphrase: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"the key is a {type(key).__name__}, expected Ed25519")
    return key


def _hint(key: Ed25519PrivateKey) -> str:
    """How a bundle names its key: SHA-256 of the public one in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(pem).hexdigest()


def _statement(files: Sequence[ArtifactFile], model: str) -> Mapping[str, Any]:
    """What is signed: each file with its digest, and one digest over all of them."""
    signed = [file for file in files if file.path.partition("/")[0] not in _UNSIGNED_PATHS]
    signed.sort(key=lambda file: file.path.encode())
    together = hashlib.sha256(b"".join(bytes.fromhex(file.digest) for file in signed)).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": model, "digest": {"sha256": together}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": _UNSIGNED_PATHS,
            },
            "resources": [{"name": file.path, "algorithm": "sha256", "digest": file.digest} for file in signed],
        },
    }


def _encode(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(_PAYLOAD_TYPE)} {_PAYLOAD_TYPE} {len(payload)} ".encode() + payload
