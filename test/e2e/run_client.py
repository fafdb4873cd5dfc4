"""Ingests a JSONL file and writes the samples of a dataset to a file, with the Python client.

Usage: `run_client.py FILE SPEC AS_OF OUTPUT`.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from loraloop import Client

records_file, spec_file, as_of, output_file = sys.argv[1:]
spec = json.loads(Path(spec_file).read_text())
with Client() as client:
    # By line feeds only: str.splitlines and text files split at U+2028 too.
    lines = Path(records_file).read_bytes().split(b"\n")
    result = client.ingest(spec["collection"], (json.loads(line) for line in lines if line))
    assert not result.errors, result.errors
    when = datetime.fromisoformat(as_of)
    stream = client.stream(spec=spec, as_of=when)
    Path(output_file).write_bytes(b"".join(stream.lines()))
    parsed = list(client.stream(spec=spec, as_of=when))
    assert parsed == [json.loads(line) for line in Path(output_file).read_bytes().split(b"\n") if line]
    print(json.dumps({"kept": result.kept_count, "digest": stream.snapshot_digest}))
