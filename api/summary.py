"""The portfolio as one plain HTML page: no script, no inline style, nothing from elsewhere; it reloads by itself.

It is written from the very document that ``GET /api/portfolio`` answers, so the two cannot disagree. Every text that
came from outside is escaped: an asset may be called anything.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from api.bus_state import excuse
from api.rows import cents_text
from api.texts import LANGUAGES, TEXTS, Language
from schemas.amounts import format_amount

Row = Mapping[str, Any]

RELOAD_SECONDS: Final = 10
REASONS_SHOWN_MAX: Final = 10
"""Further ones are counted: the page stays readable."""

AMOUNT_DECIMALS_SHOWN: Final = 8
"""As the exchanges' own pages show amounts."""

VALUE_DECIMALS_SHOWN: Final = 2
PRICE_DIGITS_SHOWN: Final = 6

_READING: Final = Context(prec=120)
_SHORT: Final = Context(prec=PRICE_DIGITS_SHOWN)

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
.demo, .bus { border: 2px solid; padding: .5rem 1rem; font-weight: 650; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .3rem .5rem; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
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
        parts += [self._bus(), self._total(), *map(self._account, self._document["accounts"]), self._sources()]
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

    def _bus(self) -> str:
        """That what is shown grows old, and why, where the bus is not read."""
        texts, bus = self._texts, self._document["bus"]
        if not self._bus_is_away:
            return ""
        what = escape(texts[f"bus_{bus['state']}"]).replace("{since}", self._time(bus["since"]))
        shown = texts["bus_known" if self._document["updatedAt"] else "bus_unknown"]
        return f'<p class="bus" role="status">{what} {escape(shown)}<br>{escape(bus["reason"])}</p>'

    @property
    def _bus_is_away(self) -> bool:
        return self._document["bus"]["state"] in {"degraded", "failed"}

    def _total(self) -> str:
        texts, totals = self._texts, self._document["totals"]
        exact = totals["totalUsdExact"]
        amount = texts["unknown"] if exact is None else f"$ {self._cents(exact)}"
        mark = f' <span class="mark">{escape(texts["partial"])}</span>' if totals["partial"] else ""
        lines = [f'<p>{escape(texts["total"])}<br><span class="total">{escape(amount)}</span>{mark}</p>']
        updated = self._document["updatedAt"]
        lines.append(f"<p>{escape(texts['as_of'])}: {self._time(updated)}</p>")
        rates = [f"{self._number(_short(rate['perUsd']))} {rate['currency']}" for rate in self._document["rates"]]
        if rates:
            lines.append(f"<p>1 USD = {escape(' · '.join(rates))}</p>")
        if totals["partial"]:
            reasons = [f"<li>{escape(self._reason(reason))}</li>" for reason in totals["reasons"][:REASONS_SHOWN_MAX]]
            more = len(totals["reasons"]) - len(reasons)
            if more > 0:
                reasons.append(f"<li>{escape(texts['more_reasons'].format(count=more))}</li>")
            lines.append(f"<p>{escape(texts['partial_why'])}</p><ul>{''.join(reasons)}</ul>")
        if not self._document["accounts"] and not self._bus_is_away:
            lines.append(f"<p>{escape(texts['no_accounts'])}</p>")
        return "".join(lines)

    def _reason(self, reason: Row) -> str:
        where = "/".join(part for part in (reason["exchange"], reason["account"], reason["wallet"]) if part)
        kind = "bus_away" if reason["kind"] == "loading" and self._bus_is_away else reason["kind"]
        text = self._texts[f"reason_{kind}"]
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
        rows = "".join(map(self._balance, sorted(account["balances"], key=_by_value, reverse=True)))
        return (
            f"<section><h2>{escape(account['exchange'])} / {escape(account['account'])}: $ {total} "
            f'<span class="mark">{status}</span> <small>{age}</small></h2>'
            f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>'
        )

    def _balance(self, row: Row) -> str:
        texts = self._texts
        marks = [texts["stale_price"]] if row["priceStale"] else []
        marks += [] if row["counted"] else [texts["not_counted"]]
        cells = self._amount(row["free"], AMOUNT_DECIMALS_SHOWN)
        cells += self._amount(row["locked"], AMOUNT_DECIMALS_SHOWN)
        cells += self._amount(row["total"], AMOUNT_DECIMALS_SHOWN)
        cells += self._amount(row["priceUsd"], _price_decimals(row["priceUsd"]))
        cells += self._amount(row["valueUsd"], VALUE_DECIMALS_SHOWN)
        tags = "".join(f' <span class="mark">{escape(mark)}</span>' for mark in marks)
        return f'<tr><th scope="row">{escape(row["asset"])}{tags}</th><td>{escape(row["wallet"])}</td>{cells}</tr>'

    def _sources(self) -> str:
        texts = self._texts
        heads = "".join(f'<th scope="col">{escape(texts[name])}</th>' for name in _SOURCE_COLUMNS)
        rows = []
        for source in self._document["sources"]:
            state, error = source["state"], source["error"]
            excused = excuse(self._document["bus"]["state"], self._document["bus"]["reason"], state)
            lines = [escape(texts[f"do_bus_{excused}" if excused else f"do_{state}"])]
            if error is not None and excused in {None, "loading"}:  # Else it says the same, in English alone.
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

    def _amount(self, exact: str | None, decimals: int) -> str:
        """A cell with as many decimals as a person reads; every digit is in its title. What is not 0 never looks so."""
        if exact is None:
            return f'<td class="number">{escape(self._texts["unpriced"])}</td>'
        smallest = Decimal(1).scaleb(-decimals)
        amount = Decimal(exact)
        if 0 < abs(amount) < smallest:
            shown = f"< {self._number(format(smallest, 'f'))}"
        elif decimals == VALUE_DECIMALS_SHOWN:
            shown = self._number(cents_text(amount))
        else:
            shown = self._number(format_amount(amount.quantize(smallest, ROUND_HALF_EVEN, _READING)))
        return f'<td class="number" title="{escape(self._number(exact))}">{escape(shown)}</td>'

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


def _short(exact: str) -> str:
    return format_amount(_SHORT.plus(Decimal(exact)))


def _by_value(row: Row) -> Decimal:
    return Decimal(row["valueUsd"] or -1)


def _price_decimals(price: str | None) -> int:
    """So many decimals that small prices keep their first digits."""
    return max(VALUE_DECIMALS_SHOWN, PRICE_DIGITS_SHOWN - 1 - Decimal(price).adjusted()) if price else 0


def _class(number: bool) -> str:
    return ' class="number"' if number else ""
