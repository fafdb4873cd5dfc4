"""As write-records.ts, with the Python client."""

import sys

from loraloop import Client

collection, ingest_id, count = sys.argv[1:]


def records():
    for number in range(int(count)):
        if number % 500 == 0:
            sys.stdin.readline()
        yield {"number": number, "text": f"Text {number} " * 20}


with Client() as client:
    done = client.ingest(
        collection,
        records(),
        ingest_id=ingest_id,
        progress=lambda result: print(f"acked {result.resumed_count + result.record_count}", flush=True),
    )
    print(f"end {done.record_count} {done.kept_count}", flush=True)
