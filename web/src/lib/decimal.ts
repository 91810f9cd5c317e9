/**
 * Exact decimals on BigInt. Money is summed, compared and rounded here, never as a binary float.
 *
 * A value is `units / 10^scale`. Nothing is rounded unless a function says so in its name.
 */

/** An exact decimal number: `units` divided by ten to the power of `scale`. */
export type Decimal = { readonly units: bigint; readonly scale: number };

/** The longest text that is read: far more than the 80 digits of a product, and short enough for BigInt to be quick. */
export const TEXT_LENGTH_MAX = 256;

/** How much of an unreadable text an error repeats: enough to recognise it, too little to flood a log. */
const QUOTED_LENGTH_MAX = 40;

/** Significant digits of a quotient before it becomes a float, which holds 17. */
const QUOTIENT_DIGITS = 20;

const PLAIN = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

/** Nothing, as an amount. */
export const ZERO: Decimal = { units: 0n, scale: 0 };

const HUNDRED: Decimal = { units: 100n, scale: 0 };

/** Tells whether a text is a plain decimal number (`-?digits(.digits)?`) of a length that is read. */
export function isPlainNumber(text: string): boolean {
  return text.length <= TEXT_LENGTH_MAX && PLAIN.test(text);
}

/** Reads a plain decimal number exactly; a RangeError names the text where it is none. */
export function parseDecimal(text: string): Decimal {
  const match = text.length <= TEXT_LENGTH_MAX ? PLAIN.exec(text) : null;
  if (match === null) {
    const cut = text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text;
    throw new RangeError(`${JSON.stringify(cut)} is not a decimal number`);
  }
  const fraction = match[3] ?? "";
  const units = BigInt(`${match[2]}${fraction}`);
  return { units: match[1] === "-" ? -units : units, scale: fraction.length };
}

/** Writes the canonical plain text: no exponent, no needless zeros, no `-0`. */
export function formatPlain(a: Decimal): string {
  const text = toFixed(a);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Writes plain text with exactly the decimals of its scale, so `{ 150n, 2 }` is `1.50`. */
export function toFixed(a: Decimal): string {
  const sign = a.units < 0n ? "-" : "";
  const digits = magnitude(a.units)
    .toString()
    .padStart(a.scale + 1, "0");
  if (a.scale === 0) {
    return sign + digits;
  }
  const point = digits.length - a.scale;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The exact sum. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

/** The exact difference `a - b`. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, negateDecimal(b));
}

/** The exact product. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/** The exact sum of a list; of an empty one, zero. */
export function sumDecimals(list: Iterable<Decimal>): Decimal {
  let sum = ZERO;
  for (const item of list) {
    sum = addDecimals(sum, item);
  }
  return sum;
}

/** Orders two numbers by value: `1.0` and `1.00` are equal. */
export function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale);
  const left = unitsAt(a, scale);
  const right = unitsAt(b, scale);
  if (left === right) {
    return 0;
  }
  return left < right ? -1 : 1;
}

/** Tells whether the number is zero. */
export function isZero(a: Decimal): boolean {
  return a.units === 0n;
}

/** Tells whether the number is below zero. */
export function isNegative(a: Decimal): boolean {
  return a.units < 0n;
}

/** The number without its sign. */
export function absDecimal(a: Decimal): Decimal {
  return { units: magnitude(a.units), scale: a.scale };
}

/** The number with the other sign. */
export function negateDecimal(a: Decimal): Decimal {
  return { units: -a.units, scale: a.scale };
}

/** Rounds half to even to a number of decimals, and pads with zeros up to it: the result has exactly that scale. */
export function roundDecimal(a: Decimal, decimals: number): Decimal {
  if (a.scale <= decimals) {
    return { units: unitsAt(a, decimals), scale: decimals };
  }
  const divisor = 10n ** BigInt(a.scale - decimals);
  const size = magnitude(a.units);
  const whole = size / divisor;
  const twice = (size % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && whole % 2n === 1n);
  const units = up ? whole + 1n : whole;
  return { units: a.units < 0n ? -units : units, scale: decimals };
}

/** Cuts to a number of decimals toward zero, and pads with zeros up to it: the result has exactly that scale. */
export function truncateDecimal(a: Decimal, decimals: number): Decimal {
  const units = a.scale <= decimals ? unitsAt(a, decimals) : a.units / 10n ** BigInt(a.scale - decimals);
  return { units, scale: decimals };
}

/** The power of ten of the first digit that is not 0: 0 for 1 to 9, -2 for 0.0123; of zero, 0. */
export function magnitudeOf(a: Decimal): number {
  return a.units === 0n ? 0 : magnitude(a.units).toString().length - 1 - a.scale;
}

/** `part / whole` as a float, for display only; null where the whole is 0 or no float holds the quotient. */
export function ratio(part: Decimal, whole: Decimal): number | null {
  if (whole.units === 0n) {
    return null;
  }
  if (part.units === 0n) {
    return 0;
  }
  // Whole digits are divided, as many as a float can use, so that tiny shares are as accurate as large ones.
  const missing = QUOTIENT_DIGITS - (digitsOf(part.units) - digitsOf(whole.units));
  const shift = Math.max(0, missing);
  const quotient = (part.units * 10n ** BigInt(shift)) / whole.units;
  const float = Number(`${quotient}e${whole.scale - part.scale - shift}`);
  return Number.isFinite(float) ? float : null;
}

/** The change in percent of what it started from, for display only; null where that was 0. */
export function percentChange(now: Decimal, before: Decimal): number | null {
  // Of a debt the size counts: from -100 to -50 is a gain of 50 percent.
  return ratio(multiplyDecimals(subtractDecimals(now, before), HUNDRED), absDecimal(before));
}

function unitsAt(a: Decimal, scale: number): bigint {
  return scale === a.scale ? a.units : a.units * 10n ** BigInt(scale - a.scale);
}

function magnitude(units: bigint): bigint {
  return units < 0n ? -units : units;
}

function digitsOf(units: bigint): number {
  return magnitude(units).toString().length;
}
