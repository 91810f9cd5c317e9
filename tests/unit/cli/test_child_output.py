"""What a process of the fleet logs is passed on, and nothing ends because nobody reads it any more."""

import asyncio
import io
import sys

import pytest

from cli.child import _pass_on


class Unread(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def said(text: bytes) -> asyncio.StreamReader:
    stream = asyncio.StreamReader()
    stream.feed_data(text)
    stream.feed_eof()
    return stream


async def test_lines_are_passed_on_whole_and_so_is_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    await _pass_on(said(b"one\ntwo\n\xffrest"))
    assert heard.getvalue() == "one\ntwo\n\\xffrest\n"


async def test_output_is_read_to_its_end_although_nobody_reads_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Unread())
    stream = said(b"one\ntwo\nrest")
    await _pass_on(stream)
    assert stream.at_eof()
