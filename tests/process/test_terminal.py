"""What a person sees on a terminal: where to look, a token for this run, and the accounts, alive."""

import os
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.process.conftest import COMMAND, OURS

pty = pytest.importorskip("pty", reason="pseudo-terminals are a POSIX matter")


def watch(folder: Path, pattern: str, within: float, **settings: str) -> tuple[str, int]:
    """Run the demo on a pseudo-terminal until the pattern shows, then Ctrl-C: all that was shown, and the exit code."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    environment |= {"API_PORT": str(free_port()), "TERM": "xterm", "COLUMNS": "120", "LINES": "40", **settings}
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(COMMAND, [str(COMMAND), "up", "--demo"], environment)  # noqa: S606 - our own command
    shown = b""
    ends_at = time.monotonic() + within
    try:
        while not re.search(pattern, shown.decode(errors="replace")) and time.monotonic() < ends_at:
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 65536)
        os.write(terminal, b"\x03")
        stop_at = time.monotonic() + 6
        while time.monotonic() < stop_at:
            try:
                if select.select([terminal], [], [], 0.2)[0]:
                    shown += os.read(terminal, 65536)
            except OSError:  # The other end is closed.
                break
        _, status = os.waitpid(pid, os.WNOHANG)
        assert status == 0 or os.WIFEXITED(status), "it did not end"
        return shown.decode(errors="replace"), os.waitstatus_to_exitcode(status)
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(terminal)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a POSIX matter")
def test_the_demo_on_a_terminal(tmp_path: Path) -> None:
    shown, code = watch(tmp_path, r"binance/main[\s\S]*btcturk/main[\s\S]*total [\d,]+\.\d\d USD", within=20)
    assert code == 0
    assert "/portfolio" in shown
    assert "simulated" in shown
    assert re.search(r"Admin token of this run: [\w-]{32,}", shown)
    assert re.search(r"binance/main[\s\S]*btcturk/main[\s\S]*total [\d,]+\.\d\d USD", shown)
    assert '"event"' not in shown, "no log lines into a person's display"
    assert "reader is" not in shown
