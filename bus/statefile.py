"""The state file of the embedded bus: the newest record of every key, in SQLite, held by one process.

A write is one transaction with ``journal_mode=WAL`` and ``synchronous=NORMAL``. A process that is killed loses nothing
that was written: the operating system has the pages. A power cut may lose the last moments, and no more: they are
balances and prices that the next read of the exchange brings again, and not worth a flush of the disk every second.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.interface import BusError, RawRecord
from monitoring.logs import get_logger
from schemas.topics import TOPICS

FILE_VERSION: Final = 1
"""The layout of the file. It grows when an older program would misread a newer file."""

APPLICATION_ID: Final = 0x53504B50
"""``SPKP`` in the header of the file: this is one of ours."""

LOCK_WAIT_SECONDS: Final = 2.0
"""How long a start waits for the process before it to let the file go."""

_JOURNAL_BYTES_MAX: Final = 16 * 1024 * 1024
"""The journal is cut back to this size after a burst."""

_TABLE: Final = """CREATE TABLE IF NOT EXISTS records (
    topic TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    position INTEGER NOT NULL, written_at INTEGER NOT NULL,
    PRIMARY KEY (topic, key))"""
_PUT: Final = """INSERT INTO records (topic, key, value, position, written_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (topic, key) DO UPDATE SET
    value = excluded.value, position = excluded.position, written_at = excluded.written_at"""
_TAKE: Final = "DELETE FROM records WHERE topic = ? AND key = ? AND position <= ?"
_LOAD: Final = """SELECT topic, CAST(key AS BLOB), CAST(value AS BLOB), position, written_at
    FROM records ORDER BY position"""

_CANNOT_WRITE: Final = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}

_log = get_logger()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record and when it was written, in milliseconds since 1970: prices are kept for a day."""

    raw: RawRecord
    written_at: int


class StateFile:
    """The file itself. It blocks, so all calls belong on one thread of their own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def open(self) -> list[StoredRecord]:
        """Create or open the file, take it for this process alone, and read what it holds, oldest first.

        BusError says which file cannot be used, why, and what to do. A file is never deleted or repaired here.
        """
        try:
            self._prepare()
            self._connection = sqlite3.connect(self._path, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
            self._lock(self._connection)
            self._identify(self._connection)
            return self._load(self._connection)
        except BusError:
            self.close()
            raise
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise BusError(self._mend(error)) from error

    def write(self, records: Iterable[StoredRecord]) -> None:
        """Write records in one transaction; a value of None takes its key away. sqlite3.Error: nothing was written."""
        with self._transaction() as connection:
            self._put(connection, records)

    def rewrite(self, records: Iterable[StoredRecord]) -> None:
        """Make the file hold these records of our topics and no others, after writes were missed."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM records WHERE topic = ?", [(name,) for name in TOPICS])
            self._put(connection, records)

    def close(self) -> None:
        """Let the file go. Never raises: there is nothing left to be done about it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _prepare(self) -> None:
        folder = self._path.parent
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
        if not self._path.exists():
            # SQLite would create it with the process's umask; what stands in it is a person's wealth.
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        elif os.name == "posix" and stat.S_IMODE(self._path.stat().st_mode) & 0o077:
            _log.warning("others may read the state file: chmod 600 it", file=str(self._path))

    def _lock(self, connection: sqlite3.Connection) -> None:
        # An exclusive lock of the operating system: it goes with the process, however that ends.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES_MAX}").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")

    def _identify(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (application, version, tables) == (0, 0, 0):
            with self._transaction() as empty:
                empty.execute(_TABLE)
                empty.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                empty.execute(f"PRAGMA user_version = {FILE_VERSION}")
        elif application != APPLICATION_ID:
            raise BusError(f"{self._path} is another program's database: name another state directory, or move it away")
        elif version != FILE_VERSION:
            raise BusError(
                f"{self._path} has layout {version}, this version reads {FILE_VERSION}: "
                "use the version that wrote it, or move the file away (what it held is read anew)"
            )
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)

    @staticmethod
    def _load(connection: sqlite3.Connection) -> list[StoredRecord]:
        return [
            StoredRecord(RawRecord(topic, 0, position, key, value), written_at)
            for topic, key, value, position, written_at in connection.execute(_LOAD)
            if topic in TOPICS
        ]

    @staticmethod
    def _put(connection: sqlite3.Connection, records: Iterable[StoredRecord]) -> None:
        for record in records:
            raw = record.raw
            if raw.value is None:
                connection.execute(_TAKE, (raw.topic, raw.key, raw.offset))
            else:
                connection.execute(_PUT, (raw.topic, raw.key, raw.value, raw.offset, record.written_at))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        if connection is None:
            raise sqlite3.ProgrammingError("the state file is not open")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _mend(self, error: Exception) -> str:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return f"{self._path} is in use by another process: stop that one, or name another state directory"
        if isinstance(error, OSError) or code in _CANNOT_WRITE:
            return f"{self._path} cannot be written ({error}): name a state directory that this user may write to"
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            return f"{self._path} cannot be written ({error}): make room on the disk or name another state directory"
        return (
            f"{self._path} is damaged or no state file ({error}): move it away and start again "
            "(what it held is read anew from the exchanges)"
        )
