"""A child process that ends with its parent, however the parent ends: its standard input is held open by it."""

import asyncio
import os
import threading
from typing import Final

_STDIN: Final = 0


def watch_parent(stop: asyncio.Event) -> None:
    """Set the event when standard input ends."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        try:
            while os.read(_STDIN, 1024):
                pass
        except OSError:
            pass
        try:
            loop.call_soon_threadsafe(stop.set)
        except RuntimeError:  # The loop is closed: this process is ending anyway.
            return

    # A thread, since not every loop can wait for a pipe (Windows); nothing waits for it at the end.
    threading.Thread(target=watch, name="parent", daemon=True).start()
