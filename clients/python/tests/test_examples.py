"""The examples, run as their README says, to their final loss."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.server import LoraloopServer

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMANDS = re.findall(r"^((?:python|torchrun) .*\.py)$", (EXAMPLES / "README.md").read_text("utf-8"), re.M)


def test_the_readme_runs_every_example() -> None:
    named = {command.split()[-1] for command in COMMANDS}
    assert named == {file.name for file in EXAMPLES.glob("*.py")} - {"tiny.py"}


@pytest.fixture
def environment(server: LoraloopServer) -> dict[str, str]:
    """Where the programs of this environment are found first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"LORALOOP_ADDRESS": server.address, "LORALOOP_TOKEN": server.token, "HF_HUB_OFFLINE": "1", "PATH": path}
    return {**os.environ, **own, "PYTHONPATH": str(EXAMPLES)}


def command(line: str) -> list[str]:
    *program, script = line.split()
    return [*program, str(EXAMPLES / script)]


def losses(output: str) -> list[float]:
    return [float(value) for value in re.findall(r"loss (\d+\.\d+)$", output, re.M)]


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: line.split()[-1])
def test_an_example_runs_to_its_final_loss(line: str, environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        command(line), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert "final" in done.stdout
    assert losses(done.stdout)[-1] < 0.6


def test_two_processes_train_as_one_does(environment: dict[str, str], tmp_path: Path) -> None:
    ends = []
    for script in ("plain_torch.py", "accelerate_two_processes.py"):
        line = next(line for line in COMMANDS if line.endswith(script))
        ends.append(
            subprocess.run(
                command(line), cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=180
            ).stdout
        )
    # 8 epochs of 100 samples.
    assert "2 processes, samples of each: [400, 400]" in ends[1]
    alone, together = (losses(end) for end in ends)
    # Floats are not summed in the same order, and each step goes on from the last one's rounding.
    assert together[0] == pytest.approx(alone[0], rel=1e-3)
    assert together == pytest.approx(alone, rel=5e-2)


def test_one_process_is_told_that_two_were_meant(environment: dict[str, str], tmp_path: Path) -> None:
    alone = subprocess.run(
        command("python accelerate_two_processes.py"),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert alone.returncode == 1
    assert "expected 2 processes, not 1" in alone.stderr


@pytest.mark.parametrize(
    ("line", "saved"),
    [
        ("python plain_torch.py", "plain_torch.pt"),
        ("python hf_trainer.py", "hf_trainer/checkpoint-20/trainer_state.json"),
    ],
)
def test_a_training_that_is_killed_ends_as_the_undisturbed_one(
    line: str, saved: str, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    with subprocess.Popen(command(line), cwd=folder, env=environment, stdout=subprocess.DEVNULL) as training:
        while not list(folder.glob(saved)):
            assert training.poll() is None
            time.sleep(0.01)
        training.send_signal(signal.SIGKILL)
    ends = [
        subprocess.run(
            command(line), cwd=place, env=environment, capture_output=True, text=True, check=True, timeout=180
        ).stdout
        for place in (folder, tmp_path)
    ]
    assert losses(ends[0])[-1] == losses(ends[1])[-1]
