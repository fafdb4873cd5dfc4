"""Tries patterns on names as PEFT and vLLM do; writes which of them took the longest, and its seconds."""

import json
import re
import sys
import time

import regex

cases = json.load(sys.stdin)
slowest = (0.0, "", "")
for case in cases:
    pattern = case["pattern"]
    for name in case["names"]:
        for engine in (re, regex):
            start = time.perf_counter()
            if case["end"]:
                engine.match(rf"(.*\.)?({pattern})$", name)
            else:
                engine.fullmatch(pattern, name)
            slowest = max(slowest, (time.perf_counter() - start, pattern, name))
print(json.dumps(slowest))
