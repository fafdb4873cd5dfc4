"""The README's programs, as they are written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loraloop import Client
from tests.adapters import save_base_model
from tests.server import LoraloopUp

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
PROGRAMS = {
    title: program
    for section in README.split("\n## ")
    for title, program in re.findall(r"\A(.+?)\n.*?```python\n(.+?)```", section, re.DOTALL)
}


@pytest.mark.parametrize(
    ("title", "output"),
    [
        ("Orders", r"4\n\[PlanEntry\(.*record_id='qa-\d+'.*\)\]\n1\d\d\n"),
        ("PyTorch", "(32\n32\n32\n4\n){3}"),
        ("Runs", ""),
        (
            "Adapters",
            r"faq@1 READY\n\['peft', 'vllm'\]\n"
            r"\['README.md', 'adapter_config.json', 'adapter_model.safetensors'\]\n8\n",
        ),
        ("Hugging Face and TRL", r"(?s).*\n\d\.\d+\n"),
        ("asyncio", r"(\{'instruction': 'Question \d+', 'output': 'Answer \d+'\}\n){100}"),
    ],
)
def test_a_program_runs_as_written(up: LoraloopUp, tmp_path: Path, title: str, output: str) -> None:
    save_base_model("llama", tmp_path / "tiny-llama")
    with Client(up.address, up.token) as client:
        records = [
            {"id": f"qa-{number}", "question": f"Question {number}", "answer": f"Answer {number}"}
            for number in range(100)
        ]
        client.upsert("faq", records)
        mapping = {"instruction": "question", "output": "answer"}
        client.datasets.put("faq", {"collection": "faq", "format": "instruction", "mapping": mapping})
    environment = {
        **os.environ,
        "LORALOOP_ADDRESS": up.address,
        "LORALOOP_TOKEN": up.token,
        "XDG_CACHE_HOME": str(tmp_path),
        # A model this small is slower on several threads.
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", PROGRAMS[title]]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert re.fullmatch(output, done.stdout), done.stdout
