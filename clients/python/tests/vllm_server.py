"""Real vLLM, on the processor, as a child process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT

VLLM = ROOT / ".venv-vllm/bin/vllm"
#: Of the tests that run it.
VLLM_MARKS = [
    pytest.mark.skipif(
        not VLLM.exists(),
        reason="vLLM is not installed: `npm test` does so on Linux x86-64 with AVX-512 and 8 GiB of memory",
    ),
    # The libraries' own.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]
#: vLLM starts in about 40 seconds on two free cores.
START_SECONDS = 240


class RefusedError(Exception):
    """An answer of vLLM that is an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class VllmServer:
    """`vllm serve` of a tiny model, by its folder or by its name in the Hub's cache, on a free port."""

    def __init__(self, model: str | Path, log: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        own = {
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        options = ["--served-model-name", "base", "--max-model-len", "256", "--enforce-eager"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [VLLM, "serve", model, "--port", str(self._port), *options, *arguments],
                env={**os.environ, **own, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def complete(self, model: str, prompt: str = "der die das") -> str:
        """What a model says without chance; RefusedError where vLLM does not serve it."""
        request = {"model": model, "prompt": prompt, "max_tokens": 12, "temperature": 0}
        return str(self.post("/v1/completions", request)["choices"][0]["text"])

    def classify(self, model: str, tokens: Sequence[int]) -> Sequence[float]:
        """How probable a classifier calls each label; RefusedError where vLLM does not serve it."""
        answer = self.post("/classify", {"model": model, "input": tokens})
        probabilities: Sequence[float] = answer["data"][0]["probs"]
        return probabilities

    def load(self, name: str, folder: Path) -> None:
        """Loads an adapter by hand; RefusedError where vLLM refuses it."""
        self.post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(error.code, error.read().decode()) from None
        return json.loads(text) if text.startswith(b"{") else text

    def stop(self) -> None:
        """With all its processes."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"vLLM did not start:\n{self.log[-8_000:]}")
            time.sleep(0.5)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
