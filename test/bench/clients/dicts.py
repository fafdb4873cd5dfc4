"""A loop of dicts over our Python client.

Usage: `dicts.py ADDRESS TOKEN SNAPSHOT`. Prints seconds from the call to the end.
"""

import json
import sys
import time

from loraloop import Client

address, token, snapshot = sys.argv[1:]
with Client(address, token) as client:
    start = time.perf_counter()
    count = 0
    for _sample in client.stream(snapshot=snapshot):
        count += 1
    print(json.dumps({"seconds": time.perf_counter() - start, "sample_count": count}))
