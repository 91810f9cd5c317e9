/**
 * Numbers for people.
 *
 * Rounding is done on exact decimals, half to even; Intl is asked only for the marks of a language (point, grouping),
 * never to turn a text into a float. Three promises hold everywhere: what is not 0 never looks like 0, what is not
 * known (null, or a text that is no number) shows as a dash and never as 0, and a minus is a real one (U+2212).
 */

import {
  absDecimal,
  compareDecimals,
  type Decimal,
  formatPlain,
  isNegative,
  isZero,
  magnitudeOf,
  parseDecimal,
  roundDecimal,
  toFixed,
  truncateDecimal,
} from "./decimal";
import { type Language, LOCALES, NO_BREAK_SPACE, UNKNOWN } from "./language";

export { type Language, NO_BREAK_SPACE, UNKNOWN } from "./language";
export { type Age, formatAge, formatClock, formatDuration, formatTime, type TimeUnit } from "./time";

/** A currency that sums are shown in. */
export type Currency = "USD" | "TRY" | "EUR" | "BTC";

/** An exact amount as the api writes it, or null where it is not known. */
export type Exact = string | null;

/** The minus of typography: as wide as a plus, and no hyphen that a line could break after. */
export const MINUS = "\u2212";

/** What stands where an amount is hidden: always as wide, so that not even its length is told. */
export const MASK = "••••••";

/** Symbols stand before the number in both languages, as exchanges write them. */
const SYMBOLS: Readonly<Record<Currency, string>> = { USD: "$", TRY: "₺", EUR: "€", BTC: "₿" };

/** Decimals of an amount of coins: a satoshi, and what exchanges show. */
const AMOUNT_DECIMALS = 8;

/** Significant digits of an amount in a row: so many fit a column in every width, and no one compares by more. */
const ROW_DIGITS = 10;

/** Decimals that an amount in a row keeps, however long its whole part is. */
const ROW_DECIMALS_MIN = 2;

/** Decimals of money: cents, and satoshis. */
const MONEY_DECIMALS: Readonly<Record<Currency, number>> = { USD: 2, TRY: 2, EUR: 2, BTC: 8 };

/**
 * Decimals of a price by its size, the largest first. Zeros at the end stay, so that a price keeps its width while it
 * ticks; what is pegged hovers around one, so no step may be near one.
 */
const PRICE_STEPS: readonly { readonly from: Decimal; readonly decimals: number }[] = [
  { from: parseDecimal("1000"), decimals: 2 },
  { from: parseDecimal("0.5"), decimals: 4 },
];

/** Significant digits of a price below the last step: as many as exchanges show of small coins. */
const PRICE_DIGITS = 5;

/** Decimals of a price of nothing, which has no size. */
const PRICE_DECIMALS_OF_ZERO = 2;

/** Decimals of a price at most: the finest unit of any coin. More would be wider than a column. */
const PRICE_DECIMALS_MAX = 18;

/** Decimals of a percentage, where none are asked for. */
const PERCENT_DECIMALS = 2;

/** A share has one decimal: finer than a person compares slices. */
const SHARE_DECIMALS = 1;

/** Above this many percent only the size is said: what began as dust grows by numbers as wide as the page. */
const PERCENT_MAX = 1_000_000;

/** Hides a text where amounts are to be hidden. */
export function maskOr(hidden: boolean, text: string): string {
  return hidden ? MASK : text;
}

/** An amount of coins, with at most 8 decimals and no needless zeros. */
export function formatAmount(language: Language, exact: Exact): string {
  return formatRounded(language, exact, "", AMOUNT_DECIMALS, 0);
}

/**
 * An amount of coins as narrow as a row has room for: ten significant digits, of which the whole part loses none and
 * two decimals are kept. It is cut toward zero, so a row never shows more than there is.
 */
export function formatRowAmount(language: Language, exact: Exact): string {
  const value = readExact(exact);
  if (value === null) {
    return UNKNOWN;
  }
  const wanted = ROW_DIGITS - 1 - magnitudeOf(value);
  const decimals = Math.min(Math.max(wanted, ROW_DECIMALS_MIN), AMOUNT_DECIMALS);
  return written(language, value, truncateDecimal(value, decimals), "", 0);
}

/** Every digit of an amount, grouped as the language does. */
export function formatExact(language: Language, exact: Exact): string {
  const value = readExact(exact);
  return value === null ? UNKNOWN : signOf(value) + grouped(language, formatPlain(absDecimal(value)));
}

/** A sum of money: cents, or satoshis for bitcoin. */
export function formatMoney(language: Language, exact: Exact, currency: Currency): string {
  const decimals = MONEY_DECIMALS[currency];
  return formatRounded(language, exact, SYMBOLS[currency], decimals, decimals);
}

/** The price of one unit in a currency, in as many decimals as prices of its size have. */
export function formatPrice(language: Language, exact: Exact, currency: Currency): string {
  return formatSized(language, exact, SYMBOLS[currency]);
}

/** The price of one unit in whatever it is quoted in: as `formatPrice`, without a symbol. */
export function formatRate(language: Language, exact: Exact): string {
  return formatSized(language, exact, "");
}

function formatSized(language: Language, exact: Exact, symbol: string): string {
  const value = readExact(exact);
  if (value === null) {
    return UNKNOWN;
  }
  const decimals = priceDecimals(value);
  const rounded = roundDecimal(value, decimals);
  // Rounding may lift a price onto the next step: 999.99996 is as wide as 1000.
  const kept = isZero(rounded) ? decimals : Math.min(decimals, priceDecimals(rounded));
  return formatRounded(language, exact, symbol, kept, kept);
}

function priceDecimals(value: Decimal): number {
  if (isZero(value)) {
    return PRICE_DECIMALS_OF_ZERO;
  }
  const size = absDecimal(value);
  const step = PRICE_STEPS.find(({ from }) => compareDecimals(size, from) >= 0);
  return step?.decimals ?? Math.min(PRICE_DIGITS - 1 - magnitudeOf(value), PRICE_DECIMALS_MAX);
}

/** A percentage, from a number of percent (1.76 is `1.76%` and `%1,76`); of zero never with a sign. */
export function formatPercent(
  language: Language,
  value: number | null,
  options: { readonly sign?: boolean; readonly digits?: number } = {},
): string {
  if (value === null || !Number.isFinite(value)) {
    return UNKNOWN;
  }
  const digits = options.digits ?? PERCENT_DECIMALS;
  const size = Math.abs(value);
  const beyond = size > PERCENT_MAX;
  const rounded = (beyond ? PERCENT_MAX : size).toFixed(digits);
  const isNothing = Number(rounded) === 0;
  const plus = options.sign === true ? "+" : "";
  const sign = isNothing ? "" : value < 0 ? MINUS : plus;
  // Beyond the bound, more negative is less: the mark looks away from zero.
  const mark = beyond ? comparison(value < 0 ? "<" : ">") : "";
  return mark + sign + percentText(language, rounded);
}

/** A part of a whole (0.25 is `25.0%`). Only nothing is 0 %, and only the whole is 100 %. */
export function formatShare(language: Language, fraction: number | null): string {
  if (fraction === null || !Number.isFinite(fraction)) {
    return UNKNOWN;
  }
  const step = 10 ** -SHARE_DECIMALS;
  const size = Math.abs(fraction);
  const rounded = (Math.min(size, PERCENT_MAX / 100) * 100).toFixed(SHARE_DECIMALS);
  const sign = fraction < 0 ? MINUS : "";
  if (size > 0 && Number(rounded) === 0) {
    return comparison(fraction < 0 ? ">" : "<") + sign + percentText(language, step.toFixed(SHARE_DECIMALS));
  }
  if (size < 1 && Number(rounded) === 100) {
    return comparison(fraction < 0 ? "<" : ">") + sign + percentText(language, (100 - step).toFixed(SHARE_DECIMALS));
  }
  return sign + percentText(language, rounded);
}

function formatRounded(language: Language, exact: Exact, symbol: string, decimals: number, kept: number): string {
  const value = readExact(exact);
  if (value === null) {
    return UNKNOWN;
  }
  return written(language, value, roundDecimal(value, decimals), symbol, kept);
}

/** Writes a value by its rounded form; where that is 0 and the value is not, by a bound. */
function written(language: Language, value: Decimal, rounded: Decimal, symbol: string, kept: number): string {
  if (isZero(rounded) && !isZero(value)) {
    const smallest = grouped(language, toFixed({ units: 1n, scale: rounded.scale }));
    return comparison(isNegative(value) ? ">" : "<") + signOf(value) + symbol + smallest;
  }
  return signOf(value) + symbol + grouped(language, trimZeros(toFixed(absDecimal(rounded)), kept));
}

/** An unreadable text is as good as unknown: one bad cell must not take the page away. */
function readExact(exact: Exact): Decimal | null {
  if (exact === null) {
    return null;
  }
  try {
    return parseDecimal(exact);
  } catch {
    return null;
  }
}

function signOf(value: Decimal): string {
  return isNegative(value) ? MINUS : "";
}

function comparison(mark: "<" | ">"): string {
  return mark + NO_BREAK_SPACE;
}

function percentText(language: Language, plain: string): string {
  const number = grouped(language, plain);
  return language === "tr" ? `%${number}` : `${number}%`;
}

/** Takes zeros off the end of a plain number, down to the decimals that are kept. */
function trimZeros(plain: string, kept: number): string {
  const point = plain.indexOf(".");
  if (point < 0) {
    return plain;
  }
  const shortest = kept === 0 ? point : point + 1 + kept;
  let end = plain.length;
  while (end > shortest && (plain[end - 1] === "0" || end === point + 1)) {
    end -= 1;
  }
  return plain.slice(0, end);
}

type Marks = { readonly whole: Intl.NumberFormat; readonly point: string };

const marks = new Map<Language, Marks>();

function marksOf(language: Language): Marks {
  let known = marks.get(language);
  if (known === undefined) {
    const parts = new Intl.NumberFormat(LOCALES[language]).formatToParts(0.5);
    const point = parts.find((part) => part.type === "decimal")?.value ?? ".";
    known = { whole: new Intl.NumberFormat(LOCALES[language], { maximumFractionDigits: 0 }), point };
    marks.set(language, known);
  }
  return known;
}

/**
 * Writes an unsigned plain number with the marks of a language. The whole part goes through Intl as a BigInt and the
 * fraction digit by digit: older browsers read a decimal text as a float, and would change its digits in silence.
 */
function grouped(language: Language, plain: string): string {
  const { whole, point } = marksOf(language);
  const [integer = "0", fraction] = plain.split(".");
  const text = whole.format(BigInt(integer));
  return fraction === undefined ? text : text + point + fraction;
}
