"""The wheel in an empty environment."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.server import LoraloopServer

PROJECT = Path(__file__).parents[1]
TEN_LINES = (PROJECT / "README.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the wheel installed, and finds what it depends on in this one's packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, PROJECT]
    subprocess.run(build, check=True, capture_output=True)
    venv.create(folder / "venv")
    python = folder / "venv" / "bin" / "python"
    install: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    subprocess.run([*install, *folder.glob("*.whl")], check=True, capture_output=True)
    packages = next((folder / "venv").glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python: Path, code: str, folder: Path, **environment: str) -> str:
    command: list[str | Path] = [python, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return str(done.stdout + done.stderr)


def test_it_is_whole(python: Path, tmp_path: Path) -> None:
    code = "import loraloop, pathlib; p = pathlib.Path(loraloop.__file__).parent; print(p, (p / 'py.typed').exists())"
    assert run(python, code, tmp_path) == f"{next(python.parents[1].glob('lib/python*/site-packages'))}/loraloop True\n"


def test_the_first_lines_of_the_readme_work(python: Path, tmp_path: Path) -> None:
    server = LoraloopServer(tmp_path / "data", "memory")
    try:
        output = run(python, TEN_LINES, tmp_path, LORALOOP_ADDRESS=server.address, LORALOOP_TOKEN=server.token)
    finally:
        server.kill()
    assert output == "{'instruction': 'What is LoRA?', 'output': 'A low-rank adapter.'}\n"


@pytest.mark.parametrize(
    ("module", "missing", "extra"),
    [("torch", "torch", "torch"), ("hf", "datasets", "hf"), ("trainer", "transformers", "train")],
)
def test_a_missing_extra_is_named(python: Path, tmp_path: Path, module: str, missing: str, extra: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
try:
    import loraloop.{module}
except ImportError as error:
    print(error)
"""
    assert f'pip install "loraloop[{extra}]"' in run(python, code, tmp_path)
