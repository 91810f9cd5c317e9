/**
 * CSV that spreadsheets open right, in Turkey too, and that no name of an asset can turn into a formula.
 *
 * By RFC 4180: CRLF after every row, quotes where needed and doubled inside. In front a byte order mark, without which
 * Excel takes UTF-8 for an old code page. A cell is text, or `{ number }`: only those get the decimal mark of the
 * dialect, so that a version or a code that looks like a number is left alone. Numbers keep every digit.
 */

import { isPlainNumber } from "./decimal";
import type { Language } from "./language";

/** A cell: text, or an exact number in plain form (`-?digits(.digits)?`). */
export type Cell = string | { readonly number: string };

/** What stands between two cells of a row. */
export type Separator = ";" | "," | "\t";

/** How a spreadsheet expects its files. */
export type Dialect = { readonly separator: Separator; readonly decimalMark?: "." | "," };

/** What a spreadsheet set to each language reads without being asked. */
export const DIALECTS: Readonly<Record<Language, Dialect>> = {
  tr: { separator: ";", decimalMark: "," },
  en: { separator: ",", decimalMark: "." },
};

const BYTE_ORDER_MARK = "\ufeff";
const ROW_END = "\r\n";

/** Said before a text, it makes a spreadsheet take the rest as text. */
const GUARD = "'";

/**
 * What begins a formula, at the start of a text or after whatever a spreadsheet may cut a cell at when it was told
 * another separator. Spaces and unseen marks in front change nothing; full-width, small and raised forms count as well:
 * everything that compatibility makes one of the four (a test goes through all of Unicode).
 */
const FORMULA_START = /(^|[;,\t\r\n"])((?:(?![\t\r\n])[\s\p{Other}])*)(?=[=+\-@⁺⁼₊₌⩵⩶﬩﹢﹣﹦﹫＋－＝＠])/gu;

/** A tab or a return at the start is itself taken for the start of a formula by some. */
const CONTROL_START = /^[ \u00a0]*[\t\r]/;

/** Quoted are the marks of every dialect, not only of this one: files are opened with the wrong one, too. */
const QUOTED = /[;,\t\r\n"]|^\s|\s$/;

/** Writes rows as one CSV text with a byte order mark. */
export function toCsv(rows: readonly (readonly Cell[])[], dialect: Dialect): string {
  const lines = rows.map((row) => row.map((cell) => cellText(cell, dialect)).join(dialect.separator) + ROW_END);
  return BYTE_ORDER_MARK + lines.join("");
}

/** Makes a text that a spreadsheet will never run; what is a plain number, negative ones too, stays as it is. */
export function guardFormula(text: string): string {
  if (isPlainNumber(text)) {
    return text;
  }
  const guarded = text.replace(FORMULA_START, `$1${GUARD}$2`);
  return CONTROL_START.test(guarded) ? GUARD + guarded : guarded;
}

function cellText(cell: Cell, { decimalMark = "." }: Dialect): string {
  if (typeof cell === "string") {
    return quoted(guardFormula(cell));
  }
  // What is no number after all is a text like any other, with the same guard.
  return quoted(isPlainNumber(cell.number) ? cell.number.replace(".", decimalMark) : guardFormula(cell.number));
}

function quoted(text: string): string {
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
