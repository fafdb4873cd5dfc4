from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from loraloop import Client, UnavailableError
from tests.server import ROOT, LoraloopServer

MAKE = """
import { selfSignedCertificate } from "./test/support/certificate.ts";
console.log(JSON.stringify(selfSignedCertificate()));
"""


def test_a_client_that_trusts_the_authority_is_served(tmp_path: Path) -> None:
    node = ROOT / "node_modules/.bin/node"
    made = json.loads(subprocess.check_output([node, "--input-type=module", "-e", MAKE], cwd=ROOT))
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_text(made["certificate"])
    key.write_text(made["key"])
    server = LoraloopServer(tmp_path / "data", "memory", TLS_CERTIFICATE_FILE=str(certificate), TLS_KEY_FILE=str(key))
    address = server.address.replace("127.0.0.1", "localhost")
    try:
        for tls in (certificate, certificate.read_bytes()):
            with Client(address, server.token, tls=tls) as client:
                assert client.upsert("c", [{"id": "x"}]) == ["x"]
        with pytest.raises(UnavailableError):
            Client(address, server.token, tls=True, timeout=1).get("c", "x")
    finally:
        server.kill()
