"""A loop of dicts over `datasets.load_dataset("json", streaming=True)`.

Usage: `hf_json.py FILE`. Prints seconds from the first sample asked for to the end.
"""

import json
import sys
import time

from datasets import load_dataset

dataset = load_dataset("json", data_files=sys.argv[1], split="train", streaming=True)
start = time.perf_counter()
count = 0
for _sample in dataset:
    count += 1
print(json.dumps({"seconds": time.perf_counter() - start, "sample_count": count}))
