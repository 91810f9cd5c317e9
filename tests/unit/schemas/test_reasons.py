"""The words for why a read failed: all described, all sent by somebody, and none that a reader stumbles over."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.encoding import DecodeError, decode
from schemas.events import CollectorStatus, SourceError
from schemas.fields import Word
from schemas.portfolio import PortfolioState
from schemas.reasons import ERROR_REASONS, MEANINGS, is_known
from tests import strategies as make

ROOT = Path(__file__).parents[3]
STORED = ROOT / "tests" / "data" / "events" / "v1"
STATUS = json.loads((STORED / "spark.collectors.status-reason.json").read_bytes())
WORD = r"[a-z][a-z0-9_]{0,39}"


def read(error: dict[str, object]) -> SourceError | None:
    """A status with this error, as a reader takes it off the bus."""
    record = json.dumps({**STATUS, "error": {**STATUS["error"], **error}}).encode()
    event = decode("spark.collectors", b"main/binance/main", record).event
    assert isinstance(event, CollectorStatus)
    return event.error


def test_every_word_is_described_and_is_one() -> None:
    assert tuple(MEANINGS) == ERROR_REASONS
    for word in ERROR_REASONS:
        TypeAdapter(Word).validate_python(word)
        assert is_known(word)


def test_every_word_is_sent_by_some_collector() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "collectors").rglob("*.py"))
    assert [word for word in ERROR_REASONS if f'"{word}"' not in code] == []


def test_the_page_for_consumers_lists_them_all() -> None:
    page = (ROOT / "docs" / "consume.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", page, re.MULTILINE)) == MEANINGS


def test_the_published_schema_names_the_words_and_lets_others_pass() -> None:
    schema = json.loads((ROOT / "schemas" / "json" / "spark.collectors.v1.schema.json").read_bytes())
    reason = schema["$defs"]["SourceError"]["properties"]["reason"]
    assert reason["examples"] == list(ERROR_REASONS)
    assert "enum" not in json.dumps(reason)
    assert reason["default"] is None


@given(st.from_regex(WORD, fullmatch=True))
def test_a_word_that_only_a_newer_writer_knows_is_read(word: str) -> None:
    error = read({"reason": word})
    assert error is not None
    assert error.reason == word


@pytest.mark.parametrize("name", ["status-newer-word", "state-newer-word"])
def test_a_stored_event_with_a_newer_word_is_no_dead_letter(name: str) -> None:
    (path,) = STORED.glob(f"*.{name}.json")
    topic = path.name.removesuffix(f".{name}.json")
    key = b"main/binance/main" if topic == "spark.collectors" else b"main"
    event = decode(topic, key, path.read_bytes()).event
    assert isinstance(event, CollectorStatus | PortfolioState)
    error = event.error if isinstance(event, CollectorStatus) else event.sources[0].error
    assert error is not None
    assert error.reason == "a_newer_word"
    assert not is_known(error.reason)


def test_an_old_event_has_neither_reason_nor_time() -> None:
    event = decode(
        "spark.collectors", b"main/binance/main", (STORED / "spark.collectors.status.json").read_bytes()
    ).event
    assert isinstance(event, CollectorStatus)
    assert event.error is not None
    assert (event.error.reason, event.error.retry_at) == (None, None)


@pytest.mark.parametrize("reason", ["", "Timeout", "two words", "<b>", "x" * 41, 7, ["timeout"]])
def test_what_is_no_word_at_all_is_refused(reason: object) -> None:
    with pytest.raises(DecodeError):
        read({"reason": reason})


@given(make.source_errors())
def test_an_error_is_written_without_what_it_does_not_say(error: SourceError) -> None:
    written = json.loads(error.model_dump_json(exclude_none=True))
    assert ("reason" in written) == (error.reason is not None)
    assert ("retry_at" in written) == (error.retry_at is not None)
    assert SourceError.model_validate_json(json.dumps(written)) == error
