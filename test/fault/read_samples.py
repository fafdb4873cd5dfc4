"""As read-samples.ts, with the Python client; the two read each other's states."""

import hashlib
import json
import os
import sys
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

from loraloop import Client

log_file, state_file, source_file = map(Path, sys.argv[1:])
source = json.loads(source_file.read_text())
saved = json.loads(state_file.read_text()) if state_file.exists() else None
log = os.open(log_file, os.O_RDWR | os.O_CREAT)
size = saved["bytes"] if saved else 0
os.ftruncate(log, size)


def log_line(sample):
    text = hashlib.sha256(sample["text"].encode()).hexdigest()
    return f"{sample['metadata']['id']} {text} {round(sample['weight'] * 1e6)}\n"


with Client() as client:
    as_of = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=source["as_of_micros"])
    stream = client.stream(
        spec=source["spec"],
        revision=source["revision"],
        as_of=as_of,
        batch_size=16,
        resume=saved["state"] if saved else None,
    )
    for line in sys.stdin:
        taken = [log_line(sample) for sample in islice(stream, int(line))]
        written = os.pwrite(log, "".join(taken).encode(), size)
        size += written
        new = state_file.with_name(state_file.name + ".new")
        new.write_text(json.dumps({"bytes": size, "state": stream.state_dict()}))
        new.replace(state_file)
        ended = len(taken) < int(line)
        print(f"end {stream.snapshot_digest}" if ended else f"at {stream.state_dict()['next_index']}", flush=True)
        if ended:
            break
