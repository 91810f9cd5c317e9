"""The portfolio as one plain HTML page: no script, no inline style, nothing from elsewhere; it reloads by itself.

It is written from the very document that ``GET /api/portfolio`` answers, so the two cannot disagree. Every text that
came from outside is escaped: an asset may be called anything.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from api.rows import cents_text
from api.texts import LANGUAGES, TEXTS, Language

Row = Mapping[str, Any]

RELOAD_SECONDS: Final = 10
REASONS_SHOWN_MAX: Final = 10
"""Further ones are counted: the page stays readable."""

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400

STYLESHEET_PATH: Final = "/assets/summary.css"

STYLESHEET: Final = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; }
h1 { font-size: 1.2rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.total { font-size: 2.2rem; font-weight: 650; }
.mark { border: 1px solid; border-radius: .3rem; font-size: .8rem; padding: 0 .35rem; white-space: nowrap; }
.demo { border: 2px solid; padding: .5rem 1rem; font-weight: 650; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .3rem .5rem; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
"""


def summary_page(body: bytes, language: Language, portfolios: Sequence[str]) -> bytes:
    """The page, made from the JSON document of a portfolio."""
    return _Page(orjson.loads(body), language, portfolios).write().encode()


class _Page:
    """One rendering, in one language."""

    def __init__(self, document: Row, language: Language, portfolios: Sequence[str]) -> None:
        self._document = document
        self._language = language
        self._texts = TEXTS[language]
        self._portfolios = portfolios

    def write(self) -> str:
        texts = self._texts
        title = f"{texts['title']} {self._document['portfolio']}"
        parts = [
            f'<!doctype html>\n<html lang="{self._language}"><head><meta charset="utf-8">',
            f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)} · Spark Portfolio</title>",
            f'<link rel="stylesheet" href="{STYLESHEET_PATH}"></head><body>',
            f"<header><h1>{escape(title)}</h1>{self._links()}</header><main>",
        ]
        if self._document["demo"]:
            parts.append(f'<p class="demo">{escape(texts["demo"])}</p>')
        parts += [self._total(), *map(self._account, self._document["accounts"]), self._sources()]
        parts.append("</main></body></html>\n")
        return "\n".join(parts)

    def _links(self) -> str:
        portfolio = self._document["portfolio"]
        links = [f'<a href="?portfolio={portfolio}&amp;lang={other}" lang="{other}">{other}</a>' for other in LANGUAGES]
        lines = [f'<nav aria-label="{escape(self._texts["language"])}">{" · ".join(links)}</nav>']
        if len(self._portfolios) > 1:
            names = [f'<a href="?portfolio={name}&amp;lang={self._language}">{name}</a>' for name in self._portfolios]
            lines.append(f'<nav aria-label="{escape(self._texts["portfolios"])}">{" · ".join(names)}</nav>')
        return "".join(lines)

    def _total(self) -> str:
        texts, totals = self._texts, self._document["totals"]
        exact = totals["totalUsdExact"]
        amount = texts["unknown"] if exact is None else f"$ {self._cents(exact)}"
        mark = f' <span class="mark">{escape(texts["partial"])}</span>' if totals["partial"] else ""
        lines = [f'<p>{escape(texts["total"])}<br><span class="total">{escape(amount)}</span>{mark}</p>']
        updated = self._document["updatedAt"]
        lines.append(f"<p>{escape(texts['as_of'])}: {self._time(updated)}</p>")
        if totals["partial"]:
            reasons = [f"<li>{escape(self._reason(reason))}</li>" for reason in totals["reasons"][:REASONS_SHOWN_MAX]]
            more = len(totals["reasons"]) - len(reasons)
            if more > 0:
                reasons.append(f"<li>{escape(texts['more_reasons'].format(count=more))}</li>")
            lines.append(f"<p>{escape(texts['partial_why'])}</p><ul>{''.join(reasons)}</ul>")
        if not self._document["accounts"]:
            lines.append(f"<p>{escape(texts['no_accounts'])}</p>")
        return "".join(lines)

    def _reason(self, reason: Row) -> str:
        where = "/".join(part for part in (reason["exchange"], reason["account"], reason["wallet"]) if part)
        text = self._texts[f"reason_{reason['kind']}"]
        # Put in by replacing, not by formatting: a hostile asset name may hold braces.
        return text.replace("{where}", where).replace("{asset}", reason["asset"] or "")

    def _account(self, account: Row) -> str:
        texts = self._texts
        total = self._cents(account["totals"]["totalUsdExact"])
        status = escape(texts[f"status_{account['status']}"])
        age = escape(texts["age"].format(age=self._age(account["ageSeconds"])))
        columns = ("asset", "wallet", "free", "locked", "amount", "price", "value")
        heads = "".join(
            f'<th scope="col"{_class(column not in {"asset", "wallet"})}>{escape(texts[column])}</th>'
            for column in columns
        )
        rows = "".join(map(self._balance, account["balances"]))
        return (
            f"<section><h2>{escape(account['exchange'])} / {escape(account['account'])}: $ {total} "
            f'<span class="mark">{status}</span> <small>{age}</small></h2>'
            f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>'
        )

    def _balance(self, row: Row) -> str:
        texts = self._texts
        marks = [texts["stale_price"]] if row["priceStale"] else []
        marks += [] if row["counted"] else [texts["not_counted"]]
        price, value = row["priceUsd"], row["valueUsd"]
        shown = [
            self._number(row["free"]),
            self._number(row["locked"]),
            self._number(row["total"]),
            texts["unpriced"] if price is None else self._number(price),
            texts["unpriced"] if value is None else self._number(value),
        ]
        cells = "".join(f'<td class="number">{escape(text)}</td>' for text in shown)
        tags = "".join(f' <span class="mark">{escape(mark)}</span>' for mark in marks)
        return f'<tr><th scope="row">{escape(row["asset"])}{tags}</th><td>{escape(row["wallet"])}</td>{cells}</tr>'

    def _sources(self) -> str:
        texts = self._texts
        heads = "".join(f'<th scope="col">{escape(texts[name])}</th>' for name in _SOURCE_COLUMNS)
        rows = []
        for source in self._document["sources"]:
            state, error = source["state"], source["error"]
            lines = [escape(texts[f"do_{state}"])]
            if error is not None:
                lines += [escape(error["message"]), escape(error["mend"])]
            rows.append(
                f'<tr><th scope="row">{escape(source["exchange"])} / {escape(source["account"])}</th>'
                f"<td>{escape(texts[f'state_{state}'])}</td><td>{self._time(source['lastSuccessAt'])}</td>"
                f"<td>{'<br>'.join(line for line in lines if line)}</td></tr>"
            )
        return (
            f"<section><h2>{escape(texts['sources'])}</h2>"
            f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
            "</section>"
        )

    def _cents(self, exact: str) -> str:
        return self._number(cents_text(Decimal(exact)))

    def _number(self, text: str) -> str:
        """An exact amount with the language's separators; no digit is lost."""
        whole, _, decimals = text.partition(".")
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        thousands, point = (".", ",") if self._language == "tr" else (",", ".")
        grouped = f"{int(digits):,}".replace(",", thousands)
        return f"{sign}{grouped}{point + decimals if decimals else ''}"

    def _age(self, seconds: float) -> str:
        for size, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
            if seconds >= 2 * size:
                return self._texts[name].format(count=int(seconds // size))
        return self._texts["seconds"].format(count=int(seconds))

    def _time(self, text: str | None) -> str:
        if text is None:
            return escape(self._texts["never"])
        when = dt.datetime.fromisoformat(text)
        if self._language == "tr":
            local = when.astimezone(ZoneInfo("Europe/Istanbul"))
            return f'<time datetime="{text}">{local:%d.%m.%Y %H:%M:%S} (UTC+3)</time>'
        return f'<time datetime="{text}">{when:%Y-%m-%d %H:%M:%S} UTC</time>'


_SOURCE_COLUMNS: Final = ("source", "state", "last_success", "to_do")


def _class(number: bool) -> str:
    return ' class="number"' if number else ""
