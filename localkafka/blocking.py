"""One broker as a child process, with calls that block: for fixtures that have no event loop, and under `Broker`."""

import atexit
import base64
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from localkafka import jars, wire
from localkafka.listeners import CONTROLLER, DIRECT, Listener, server_properties
from localkafka.ports import free_port
from localkafka.security import SCRAM, Acl

FORMAT_SECONDS = 60.0
START_SECONDS = 60.0
"""Two seconds are usual; a loaded machine may need ten times as long, and a broken one must not hang a test run."""

STOP_SECONDS = 20.0
"""A clean stop takes about a second; after this it is killed."""

CHECK_SECONDS = 0.05
TAIL_BYTES = 4000
ACLS_SECONDS = 10.0

JVM = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # The quick compiler alone: it starts in half the time, and nothing lives long here.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)

# It kills the broker when the other end of its standard input closes, which happens however the parent dies. Both are
# in sessions of their own: a Ctrl-C is for the parent, which ends its broker last, and a kill of the parent's whole
# group must leave the guard to do its work.
GUARD = 'read -r _; kill -9 "$0"'


class BrokerError(Exception):
    """The broker did not do what was asked; the message has the end of its log."""


def new_cluster_id() -> str:
    """An id in Kafka's own form, 16 bytes in 22 characters; the first is fixed, as a dash there reads as an option."""
    return base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")


class BlockingBroker:
    """A broker on 127.0.0.1 with its files in one folder; the data outlives `stop` and `kill`.

    `port` is that of the plain listener and `advertised` what it tells clients ("host:port"), else its own address.
    `users` (name to password) are those of SCRAM listeners. It dies with this process, even if that is killed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        advertised: str | None = None,
        properties: Mapping[str, str] | None = None,
        listeners: Sequence[Listener] = (),
        users: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._direct = Listener(name=DIRECT, port=port or free_port(), advertised=advertised)
        self._listeners: dict[str, Listener] = {}
        for one in (self._direct, *listeners):
            self.add_listener(one)
        self._properties = dict(properties or {})
        self._users = dict(users or {})
        self._controller_port = free_port()
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # Calls may come from several threads: one start or stop at a time.

    @property
    def port(self) -> int:
        """The port of the plain listener."""
        return self._direct.port

    @property
    def bootstrap(self) -> str:
        """The address of the plain listener, as clients take it."""
        return self._direct.address

    @property
    def pid(self) -> int | None:
        """The process id of the broker, or None when it does not run."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def address(self, listener: str) -> str:
        """Where a listener of that name listens; ValueError when there is none."""
        if listener not in self._listeners:
            raise ValueError(f"the broker has no listener {listener!r}: name one of {', '.join(self._listeners)}")
        return self._listeners[listener].address

    def add_listener(self, listener: Listener) -> None:
        """Have one more listener from the next start on."""
        if listener.name in {*self._listeners, CONTROLLER}:
            raise ValueError(f"the broker has a listener {listener.name!r} already: give this one another name")
        self._listeners[listener.name] = listener

    def start(self) -> None:
        """Run it, on the data of last time if there is any, and return when it serves requests.

        KafkaUnavailableError when Java or the jars are missing, BrokerError when it does not come up.
        """
        with self._lock:
            if self.pid is not None:
                return
            self._forget()
            if wire.answers(self.port):
                raise BrokerError(f"port {self.port} is taken by another broker: stop that one or name another port")
            command = [jars.java(), *JVM, "-cp", f"{jars.fetch()}/*"]
            self.folder.mkdir(parents=True, exist_ok=True)
            settings = self.folder / "server.properties"
            listeners = list(self._listeners.values())
            settings.write_text(server_properties(listeners, self._controller_port, self._data, self._properties))
            settings.chmod(0o600)
            if not (self._data / "meta.properties").exists():
                self._format([*command, "kafka.tools.StorageTool", "format", "-c", str(settings)])
            self._run([*command, "kafka.Kafka", str(settings)])

    def stop(self) -> None:
        """Let it end in order (SIGTERM); kill it when it does not within `STOP_SECONDS`."""
        with self._lock:
            if self._process is not None:
                self._signal(signal.SIGCONT)  # A paused one would not see the other signal.
                self._signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_SECONDS)
            self._forget()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash or a power cut of the program would."""
        with self._lock:
            self._forget()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): its connections stay open, and nothing answers. It stands when this returns.

        BrokerError when it ended instead.
        """
        with self._lock:
            if self._process is None:
                return
            self._signal(signal.SIGSTOP)
            # The signal reaches one thread after the other; until the last one stands, a request may still be served.
            # Asked of the kernel, and left unread (WNOWAIT), so that an end is still there for whoever waits for it.
            told = os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if told is not None and told.si_code != os.CLD_STOPPED:
            raise BrokerError(f"the broker ended instead of standing still.{self._tail()}")

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it in order and start it again on its data."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Throw all data away, topics too; the broker must be stopped, and starts empty."""
        with self._lock:
            if self.pid is not None:
                raise BrokerError("a running broker cannot be wiped: stop or kill it first")
            shutil.rmtree(self._data, ignore_errors=True)

    def allow(self, *rules: Acl) -> None:
        """Add access rules and return when they are in force; needs the properties of `security.authorizer`."""
        wire.create_acls(self.port, [rule.encoded() for rule in rules])
        wanted, ends_at = {rule.fields for rule in rules}, time.monotonic() + ACLS_SECONDS
        while not wanted <= wire.acls(self.port):
            if time.monotonic() > ends_at:
                raise BrokerError(f"the access rules were not in force after {ACLS_SECONDS:.0f} s.{self._tail()}")
            time.sleep(CHECK_SECONDS)

    def _format(self, command: Sequence[str]) -> None:
        users = [f"{SCRAM}=[name={name},password={password}]" for name, password in self._users.items()]
        scram = [argument for user in users for argument in ("--add-scram", user)]
        try:
            done = subprocess.run(  # noqa: S603 - no shell; the arguments are of the test that calls
                [*command, "-t", new_cluster_id(), *scram],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=FORMAT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BrokerError(f"Kafka did not format {self._data} within {FORMAT_SECONDS:.0f} s") from None
        if done.returncode:
            raise BrokerError(f"Kafka did not format {self._data}: {done.stdout[-TAIL_BYTES:]}")

    def _run(self, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C ends the program that uses it first, and that ends the broker.
            self._process = subprocess.Popen(  # noqa: S603 - as above
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        atexit.register(self.kill)
        self._guard = subprocess.Popen(  # noqa: S603 - as above
            ["/bin/sh", "-c", GUARD, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ends_at = time.monotonic() + START_SECONDS
        while not wire.answers(self.port):
            code = self._process.poll()
            if code is None and time.monotonic() < ends_at:
                time.sleep(CHECK_SECONDS)
                continue
            self._forget()
            why = f"did not answer within {START_SECONDS:.0f} s" if code is None else f"ended with {code} at its start"
            raise BrokerError(f"the broker on port {self.port} {why}.{self._tail()}")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)  # Does nothing to one that has ended.

    def _forget(self) -> None:
        """Kill what is left, and take it off the books."""
        guard, self._guard = self._guard, None
        process, self._process = self._process, None
        if guard is not None:  # First: afterwards the process id may belong to somebody else.
            guard.kill()
            guard.communicate()
        if process is not None:
            process.kill()
            process.wait()
            atexit.unregister(self.kill)

    def last_words(self) -> str:
        """The end of its log."""
        try:
            said = self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").strip()
        except OSError:
            said = ""
        return said or "(nothing)"

    def _tail(self) -> str:
        return f" The end of {self.log}:\n{self.last_words()}"
