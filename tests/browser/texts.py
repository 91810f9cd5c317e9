"""The page's own words, from its catalogues, and its numbers read back."""

import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import Language

CATALOGUES: Final = Path(__file__).parents[2] / "web" / "src" / "i18n"
LANGUAGES: Final[tuple[Language, ...]] = ("en", "tr")
DIGITS: Final = re.compile(r"[0-9][0-9.,\u00a0\u202f]*")


@cache
def _catalogue(language: Language) -> dict[str, Any]:
    return json.loads((CATALOGUES / f"{language}.json").read_text(encoding="utf-8"))


def said(language: Language, name: str, **values: str) -> str:
    """A text by its name, such as ``loading.title``."""
    found: Any = _catalogue(language)
    for part in name.split("."):
        found = found[part]
    for key, text in values.items():
        found = found.replace("{" + key + "}", text)
    assert isinstance(found, str)
    return found


def amount(language: Language, exact: Decimal, places: int = 2) -> re.Pattern[str]:
    """A number as its language writes it, and not as a part of a longer one: to be waited for on the page."""
    text = f"{exact:,.{places}f}"
    text = text if language == "en" else text.translate(str.maketrans(",.", ".,"))
    return re.compile(rf"(?<![0-9.,]){re.escape(text)}(?![0-9])")


def number(language: Language, text: str) -> Decimal:
    """The number in a text, as its language writes numbers."""
    found = DIGITS.search(text)
    assert found is not None, f"no number in {text!r}"
    plain = found[0].replace("\u00a0", "").replace("\u202f", "")
    grouping, point = (",", ".") if language == "en" else (".", ",")
    return Decimal(plain.replace(grouping, "").replace(point, ".").rstrip("."))
