import re
from html.parser import HTMLParser

import pytest

from api.models import ReasonBody, SourceBody
from api.render import Rendered, render_unread
from api.summary import summary_page
from api.texts import TEXTS, choose_language
from tests.unit.api.states import NOW, account, holding, sample, state, status

HOSTILE = "<img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)


def page(document: bytes, language: str = "en", portfolios: tuple[str, ...] = ("main",)) -> str:
    return summary_page(document, language, portfolios).decode()  # type: ignore[arg-type]


def test_both_languages_have_the_same_keys_and_places() -> None:
    assert TEXTS["en"].keys() == TEXTS["tr"].keys()
    for key, text in TEXTS["en"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", TEXTS["tr"][key])), key


def test_every_state_and_reason_has_its_words() -> None:
    states = SourceBody.model_json_schema()["properties"]["state"]["enum"]
    schema = ReasonBody.model_json_schema()["properties"]["kind"]
    kinds = [kind for part in schema.get("anyOf", [schema]) for kind in part.get("enum", [part.get("const")])]
    assert "loading" in kinds
    for texts in TEXTS.values():
        assert {f"state_{name}" for name in states} | {f"do_{name}" for name in states} <= texts.keys()
        assert {f"reason_{kind}" for kind in kinds} <= texts.keys()


@pytest.mark.parametrize("language", ["en", "tr"])
def test_hostile_names_are_text(language: str) -> None:
    hostile = state([account("binance", [holding(HOSTILE, "1", None), holding("{x}{where}", "1", None)])])
    text = page(Rendered(hostile, demo=True).document(NOW), language)
    assert HOSTILE not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    tags = Tags()
    tags.feed(text)
    assert not tags.seen & {"img", "script", "style", "iframe", "form"}
    assert not {name for name in tags.attributes if name.startswith("on") or name == "style"}


def test_errors_of_sources_are_escaped_and_say_what_to_do() -> None:
    document = render_unread("main", [status(reads="refused", failed=True)], ("btcturk",), loading=False, demo=False)
    text = page(document)
    assert "&lt;b&gt;was&lt;/b&gt;" in text
    assert "Check the key." in text
    assert "Check the API key" in text
    assert "unknown" in text


def test_the_page_shows_total_marks_and_numbers_of_the_language() -> None:
    document = Rendered(sample(), demo=False).document(NOW)
    english, turkish = page(document), page(document, "tr")
    assert '<html lang="en">' in english
    assert "$ 68,675.00" in english
    assert "$ 68.675,00" in turkish
    assert "82,500" in english
    assert "82.500" in turkish
    assert "289.000,005" in turkish
    assert "no price" in english
    assert "fiyatı yok" in turkish
    assert "counted elsewhere" in english
    assert "partial" in english
    assert "2026-11-22 10:00:00 UTC" in english
    assert "22.11.2026 13:00:00 (UTC+3)" in turkish
    assert 'http-equiv="refresh"' in english


def test_many_reasons_are_counted() -> None:
    many = state([account("binance", [holding(f"A{n}", "1", None) for n in range(15)])])
    assert "and 5 more" in page(Rendered(many, demo=False).document(NOW))


def test_several_portfolios_are_linked() -> None:
    text = page(Rendered(sample(), demo=False).document(NOW), portfolios=("desk", "main"))
    assert '<a href="?portfolio=desk&amp;lang=en">desk</a>' in text


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        (None, "de, en-GB", "en"),
        ("tr", "en", "tr"),
        (None, "x" * 10_000 + ",tr", "en"),
    ],
)
def test_the_language_is_the_visitors(asked: str | None, accepted: str, expected: str) -> None:
    assert choose_language(asked, accepted) == expected
