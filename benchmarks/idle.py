"""The whole system idle in one process: processor time and memory, as the operating system counts them."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from benchmarks.table import Row, at_most

WARM_UP_SECONDS: Final = 20.0
MEASURED_SECONDS: Final = 30.0


def rows() -> list[Row]:
    """Run the demo as a program, untouched, and measure it. The simulated exchanges run in the same process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = Path(sys.executable).with_name("spark-portfolio")
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [str(command), "up", "--demo"],
            cwd=folder,
            env={**os.environ, "API_PORT": str(port), "LOG_FORMAT": "json"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(WARM_UP_SECONDS)
            seen = psutil.Process(process.pid)
            before = seen.cpu_times()
            began = time.monotonic()
            time.sleep(MEASURED_SECONDS)
            after = seen.cpu_times()
            seconds = time.monotonic() - began
            memory = seen.memory_info().rss / 1e6
        finally:
            process.terminate()
            process.wait(10)
    used = (after.user + after.system - before.user - before.system) / seconds * 100
    return [
        at_most("idle: whole system in one process, simulated exchanges included", used, 2.0, "% of a core"),
        at_most("idle: memory of it", memory, 120.0, "MB"),
    ]
