"""MLflow's tracking server with its model registry, on SQLite in a new folder: `mlflow_server.py FOLDER WORKERS`.

Prints `{"address": …}` when it answers, and serves until it is told to end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(folder: Path, workers: str, port: int) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
    }
    backend = [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--default-artifact-root",
        str(folder / "files"),
    ]
    server = ["--host", "127.0.0.1", "--port", str(port), "--workers", workers]
    quiet = ["--uvicorn-opts", "--log-level error --no-access-log"]
    command = [sys.executable, "-m", "mlflow", "server", *backend, *server, *quiet]
    log = (folder / "server.log").open("wb")
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)


def wait_until_it_answers(server: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit(f"mlflow server ended with {server.returncode}")
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("mlflow server did not answer in a minute")


def main() -> None:
    folder, workers = Path(sys.argv[1]), sys.argv[2]
    port = free_port()
    server = start(folder, workers, port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_it_answers(server, address)
        print(json.dumps({"address": address}), flush=True)
        server.wait()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


if __name__ == "__main__":
    main()
