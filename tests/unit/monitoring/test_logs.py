import asyncio
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import NoReturn

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.logs import QUIET_LOGGERS, REDACTED, Redactor, configure_logs

CANARY = "c4n4ry/Key+Value=="
SECOND = "zweiter\"geheimer'Wert"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Everything that configure_logs touches is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    levels = {name: logging.getLogger(name).level for name in (*QUIET_LOGGERS, "aiohttp.access")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def fail(error: Exception) -> NoReturn:
    raise error from ValueError("Bearer unknown-key-9")


def spill() -> None:
    """Log secrets in every place one could end up in."""
    log = structlog.get_logger("test").bind(bound=CANARY)
    event = f"in the event {CANARY}"
    log.info(event, value=CANARY, nested={"deep": [{"er": (CANARY, CANARY.encode())}]})
    log.info("as a key", **{CANARY: 1})
    log.info("headers", headers={"X-MBX-APIKEY": "unknown-key-1", b"X-PCK": b"unknown-key-2"})
    log.info("pairs", pairs=[("X-Signature", "unknown-key-3"), (b"x-pck", b"unknown-key-4")])
    log.info("url", url="https://api.example/x?timestamp=1&signature=unknown-key-5&x=1")
    log.info("auth", text="Authorization: Bearer unknown-key-6", repr=repr({"X-MBX-APIKEY": "unknown-key-7"}))
    log.info("other objects", error=ValueError(CANARY), thing=object(), second=SECOND)
    try:
        fail(RuntimeError(f"GET https://x/?signature=unknown-key-8 {CANARY}"))
    except RuntimeError:
        log.exception("a traceback")
        logging.getLogger("aiohttp.server").exception("from %s with %s", "elsewhere", CANARY)
        try:
            fail(KeyError(SECOND))
        except KeyError:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    logging.getLogger("asyncio").error("Task exception: %r", {"X-PCK": "unknown-key-10"})
    warnings.warn(f"a warning with {CANARY}", UserWarning, stacklevel=1)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_reaches_a_log(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure_logs("DEBUG", log_format, [CANARY, SECOND, ""])  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        spill()
    text = capsys.readouterr().err
    assert CANARY not in text
    assert "zweiter" not in text
    assert "unknown-key" not in text
    assert text.count(REDACTED) >= 20
    assert "timestamp=1&signature=" in text
    assert "RuntimeError" in text
    assert "a warning with" in text


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json", [CANARY])
    structlog.get_logger("part").info("it began", exchange="binance", amount=1.5, missing=None)
    structlog.get_logger("part").debug("not shown")
    logging.getLogger("other").warning("from %s", "elsewhere")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["exchange"], first["amount"]) == ("it began", "info", "binance", 1.5)
    assert first["timestamp"].endswith("Z")
    assert first["logger"] == "part"
    assert (second["event"], second["level"]) == ("from elsewhere", "warning")


def test_an_error_of_the_event_loop_is_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json", [CANARY])

    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "it failed", "exception": ValueError(f"signature={CANARY}")}
        )

    asyncio.run(main())
    text = capsys.readouterr().err
    assert "it failed" in text
    assert CANARY not in text


def test_an_uncaught_error_of_a_thread_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json", [CANARY])

    thread = threading.Thread(target=fail, args=(ValueError(CANARY),))
    thread.start()
    thread.join()
    text = capsys.readouterr().err
    assert "nobody caught" in text
    assert CANARY not in text


def test_no_text_forges_a_line_or_moves_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "console", [CANARY])
    hostile = "x\n2026-11-22T10:00:00Z [info] all is well\x1b]0;title\x07\x9b2J\u202e\u2028\r"
    structlog.get_logger("part").warning(hostile, value=hostile, **{hostile: hostile})
    logging.getLogger("other").error("from %s", hostile)
    try:
        fail(RuntimeError(hostile))
    except RuntimeError:
        structlog.get_logger("part").exception("it failed")
    text = capsys.readouterr().err
    assert not [character for character in text if not (character.isprintable() or character == "\n")]
    assert len([line for line in text.splitlines() if line.startswith("2026-11-22T10:00:00Z")]) == 0
    assert "all is well\\x1b" in text


@pytest.mark.parametrize(("level", "lines"), [("INFO", 0), ("DEBUG", 3)])
def test_the_kafka_library_tells_of_an_outage_to_developers_alone(
    capsys: pytest.CaptureFixture[str], level: str, lines: int
) -> None:
    configure_logs(level, "json", [])
    for name in ("aiokafka", "aiokafka.consumer.fetcher", "aiokafka.producer.sender"):
        logging.getLogger(name).error("Unable connect to node with id %s", 1)
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_a_wrong_level_is_named() -> None:
    with pytest.raises(ValueError, match=r"LOG_LEVEL.*'LOUD'"):
        configure_logs("LOUD", "json", [])


@given(
    st.text(st.characters(codec="ascii", exclude_categories=("C", "Z")), min_size=6, max_size=60),
    st.text(max_size=20),
    st.text(max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_a_known_secret_is_gone_wherever_it_stands(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    text = redactor.text(f"{before}{secret}{after}")
    assert secret not in text.replace(REDACTED, "")
    nested = redactor.value({"a": [{before: (secret,)}], secret: secret.encode()})
    assert secret not in json.dumps(nested, ensure_ascii=False).replace(REDACTED, "")


def test_ordinary_words_stay() -> None:
    redactor = Redactor(["on", CANARY])
    text = "the signature was refused; bearer tokens live on; X-PCK is a header"
    assert redactor.text("the connection is on") == "the connection is on"
    assert redactor.text("a signature was refused") == "a signature was refused"
    assert "X-PCK is a header" in redactor.text(text)


def test_values_nested_too_deep_are_still_redacted() -> None:
    value: object = CANARY
    for _ in range(40):
        value = [value]
    assert CANARY not in json.dumps(Redactor([CANARY]).value(value))
