"""The samples that a trainer sees, hashed: `far_away.py SNAPSHOT none|zstd`."""

import hashlib
import json
import sys

from loraloop import Client, Plan

with Client() as client:
    stream = client.stream(snapshot=sys.argv[1], plan=Plan(shuffle=True, seed=3), compression=sys.argv[2])
    digest = hashlib.sha256()
    for sample in stream:
        digest.update(sample["text"].encode())
    print(json.dumps({"digest": digest.hexdigest(), "next_index": stream.state_dict()["next_index"]}))
