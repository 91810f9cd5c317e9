"""The state file: what it holds, and what is said where it cannot be used."""

import asyncio
import contextlib
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bus import statefile
from bus.interface import BusError
from bus.statefile import StateFile
from tests.contract.bus import publisher
from tests.unit.bus.tools import stored

ROOT = Path(__file__).parents[3]

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bus.sqlite"


@contextlib.contextmanager
def opened(path: Path):
    file = StateFile(path)
    try:
        yield file, file.open()
    finally:
        file.close()


def test_what_was_written_is_read_back_oldest_first(path: Path):
    records = [stored("b", b"\x00\xff", 2, 20), stored("a", b"", 1, 10), stored("\u00fc", b"1", 3, 30)]
    with opened(path) as (file, found):
        assert not found
        file.write(records)
        file.write([stored("a", b"new", 4, 40), stored("b", None, 5, 50), stored("none", None, 6, 60)])
    with opened(path) as (_, found):
        assert found == [records[2], stored("a", b"new", 4, 40)]


def test_an_older_tombstone_does_not_take_a_newer_record(path: Path):
    with opened(path) as (file, _):
        file.write([stored("a", b"new", 5)])
        file.write([stored("a", None, 4)])
    with opened(path) as (_, found):
        assert found == [stored("a", b"new", 5)]


def test_a_write_is_whole_or_not_at_all(path: Path):
    with opened(path) as (file, _):
        file.write([stored("a", b"old", 1)])
        with pytest.raises(sqlite3.Error):
            file.write([stored("a", b"new", 2), stored("b", "no", {})])
        file.write([stored("c", b"new", 3)])
    with opened(path) as (_, found):
        assert [record.raw.key for record in found] == [b"a", b"c"]
        assert found[0].raw.value == b"old"


def test_a_rewrite_makes_it_hold_these_and_leaves_unknown_topics_alone(path: Path):
    with opened(path) as (file, _):
        file.write([stored("a"), stored("b"), stored("x", topic="spark.of-tomorrow")])
        file.rewrite([stored("c", offset=7)])
    with opened(path) as (file, found):
        assert found == [stored("c", offset=7)]
        topics = file._connection.execute("SELECT topic FROM records ORDER BY topic").fetchall()
        assert topics == [("spark.of-tomorrow",), ("spark.wanted",)]


def test_a_file_that_is_not_open_is_not_written(path: Path):
    with pytest.raises(sqlite3.Error, match="not open"):
        StateFile(path).write([])


@posix
def test_nobody_else_may_read_it(path: Path):
    old = os.umask(0)
    try:
        with opened(path) as (file, _):
            file.write([stored("a")])
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert modes == {"bus.sqlite": 0o600, "bus.sqlite-wal": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
def test_a_file_that_others_may_read_is_warned_of(path: Path):
    with opened(path), capture_logs() as logs:
        pass
    assert not logs
    path.chmod(0o644)
    with capture_logs() as logs, opened(path):
        pass
    assert "chmod 600" in logs[0]["event"]
    assert logs[0]["file"] == str(path)


def refused(path: Path, *words: str) -> None:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(BusError) as caught, opened(path):
        pass
    for word in (str(path), *words):
        assert word in str(caught.value)
    if before is not None:
        assert path.read_bytes() == before, "it is never repaired or deleted here"


def test_a_file_that_is_no_database_is_refused(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"my diary\n" * 1_000)
    refused(path, "damaged", "move it away")


def test_a_damaged_file_is_refused(path: Path):
    with opened(path) as (file, _):
        file.write([stored(f"key{n}", b"v" * 500, n) for n in range(200)])
    content = bytearray(path.read_bytes())
    content[4096:12_288] = os.urandom(8192)
    path.write_bytes(content)
    refused(path, "damaged", "move it away")


def test_a_truncated_file_is_refused(path: Path):
    with opened(path) as (file, _):
        file.write([stored(f"key{n}", b"v" * 500, n) for n in range(200)])
    path.write_bytes(path.read_bytes()[:20_000])
    refused(path, "damaged", "move it away")


def test_damage_where_nothing_is_read_at_the_start_is_found(path: Path):
    with opened(path) as (file, _):
        file.write([stored(f"key{n}", b"v", n) for n in range(5)])
        page = file._connection.execute("SELECT rootpage FROM sqlite_master WHERE type = 'index'").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096] = 0xFF
    path.write_bytes(content)
    refused(path, "damaged", "move it away")


def test_another_programs_database_is_refused(path: Path):
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
    with pytest.raises(BusError, match="another program's database"), opened(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM diary").fetchone() == (0,)


def test_another_layout_is_refused(path: Path):
    with opened(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(BusError, match="layout 2, this version reads 1"), opened(path):
        pass


def test_an_empty_file_is_a_new_one(path: Path):
    path.parent.mkdir()
    path.touch(0o600)
    with opened(path) as (file, found):
        assert not found
        file.write([stored("a")])


def test_a_folder_that_cannot_be_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "bus.sqlite", "cannot be written", "state directory")
    (tmp_path / "folder.sqlite").mkdir()
    refused(tmp_path / "folder.sqlite", "cannot be written", "state directory")


async def test_a_second_process_is_refused_and_a_killed_one_lets_go(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statefile, "LOCK_WAIT_SECONDS", 0.0)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(publisher.__file__)),
        *("local", str(path), "1"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(20):
            assert await child.stdout.readline()
        with pytest.raises(BusError) as caught:
            StateFile(path).open()
        assert str(path) in str(caught.value)
        assert "in use by another process" in str(caught.value)
    finally:
        child.kill()
        await child.communicate()
    with opened(path) as (_, found):
        assert len(found) == publisher.KEYS
