"""The real server as a child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
NODE = ROOT / "node_modules/.bin/node"


class LoraloopServer:
    """`loraloop serve export` on free ports; can be killed and started again on the same one."""

    def __init__(self, data: Path, store: str, **settings: str) -> None:
        self._data = data
        self._settings = {"DATA_DIRECTORY": str(data), "STORE": store, "DRAIN_SECONDS": "5", **settings}
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def token(self) -> str:
        return (self._data / "token").read_text().strip()

    def start(self) -> None:
        self._process = self._launch(self._port)
        self._port = int(self._read_address().rpartition(":")[2])

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Drains."""
        self._end(signal.SIGTERM)

    def _launch(self, port: int) -> subprocess.Popen[str]:
        settings = {**self._settings, "LISTEN_PORT": str(port), "METRICS_PORT": "0"}
        return subprocess.Popen(
            [NODE, ROOT / "services/export/main.ts"],
            env={**os.environ, **{f"LORALOOP_EXPORT_{key}": value for key, value in settings.items()}},
            stdout=subprocess.PIPE,
            text=True,
        )

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.communicate(timeout=20)

    def _read_address(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("msg") == "serving" or "token_file" in entry:
                return str(entry["address"])
        raise AssertionError(f"the server did not start:\n{''.join(lines)}")


class LoraloopUp(LoraloopServer):
    """`loraloop up`: all services at one address."""

    def _launch(self, port: int) -> subprocess.Popen[str]:
        settings = {
            f"LORALOOP_{service}_{key}": value
            for service in ("EXPORT", "REGISTRY")
            for key, value in self._settings.items()
            if key != "DATA_DIRECTORY"
        }
        options = ["--data", str(self._data), "--port", str(port), "--metrics-port", "0"]
        return subprocess.Popen(
            [NODE, ROOT / "clients/cli/main.ts", "--json", "up", *options],
            env={**os.environ, **settings, "XDG_STATE_HOME": str(self._data)},
            stdout=subprocess.PIPE,
            text=True,
        )
