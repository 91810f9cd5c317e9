import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  absDecimal,
  addDecimals,
  compareDecimals,
  type Decimal,
  formatPlain,
  isNegative,
  isPlainNumber,
  isZero,
  magnitudeOf,
  multiplyDecimals,
  negateDecimal,
  parseDecimal,
  percentChange,
  ratio,
  roundDecimal,
  subtractDecimals,
  sumDecimals,
  TEXT_LENGTH_MAX,
  toFixed,
  truncateDecimal,
  ZERO,
} from "../../src/lib/decimal";

const LARGEST = 10n ** 60n;
const SCALE_MAX = 30;

const decimal: fc.Arbitrary<Decimal> = fc.record({
  units: fc.bigInt({ min: -LARGEST, max: LARGEST }),
  scale: fc.integer({ min: 0, max: SCALE_MAX }),
});

/** The same number as whole units of 10^-scale: what the tests reckon with instead. */
function at(a: Decimal, scale: number): bigint {
  return a.units * 10n ** BigInt(scale - a.scale);
}

const d = parseDecimal;

describe("reading and writing", () => {
  it("gives back what it was given, in canonical form", () => {
    fc.assert(
      fc.property(decimal, (a) => {
        const text = formatPlain(a);
        expect(compareDecimals(parseDecimal(text), a)).toBe(0);
        expect(formatPlain(parseDecimal(text))).toBe(text);
        expect(text).toMatch(/^(0|-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?)$/);
        expect(text).not.toBe("-0");
      }),
    );
  });

  it.each([
    ["0", "0"],
    ["-0", "0"],
    ["-0.000", "0"],
    ["10", "10"],
    ["1000.00", "1000"],
    ["007.50", "7.5"],
    ["0.0235879654200426942", "0.0235879654200426942"],
    ["-0.5", "-0.5"],
    ["9007199254740993", "9007199254740993"],
  ])("writes %s as %s", (text, plain) => {
    expect(formatPlain(d(text))).toBe(plain);
  });

  it("keeps the decimals of its scale where they are asked for", () => {
    expect(toFixed({ units: 150n, scale: 2 })).toBe("1.50");
    expect(toFixed({ units: -5n, scale: 3 })).toBe("-0.005");
    expect(toFixed(ZERO)).toBe("0");
  });

  it.each([
    "",
    " 1",
    "1 ",
    "+1",
    "1.",
    ".5",
    "1e5",
    "1,5",
    "1.2.3",
    "--1",
    "-",
    "NaN",
    "Infinity",
    "0x10",
    "１",
    "1\n",
  ])("refuses %j", (text) => {
    expect(() => d(text)).toThrow(RangeError);
    expect(isPlainNumber(text)).toBe(false);
  });

  it("names the text it refuses, cut", () => {
    expect(() => d("abc")).toThrow('"abc" is not a decimal number');
    const long = "x".repeat(10_000);
    expect(() => d(long)).toThrow(/^"x{40}…" is not a decimal number$/);
  });

  it("reads no text that is long enough to stall a browser", () => {
    expect(formatPlain(d("9".repeat(TEXT_LENGTH_MAX)))).toBe("9".repeat(TEXT_LENGTH_MAX));
    expect(() => d("9".repeat(TEXT_LENGTH_MAX + 1))).toThrow(RangeError);
  });

  it("refuses every text that is no number", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!/^-?\d+(\.\d+)?$/.test(text));
        expect(() => d(text)).toThrow(RangeError);
      }),
    );
  });
});

describe("arithmetic", () => {
  it("agrees with whole numbers at a common scale", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        expect(at(addDecimals(a, b), SCALE_MAX)).toBe(at(a, SCALE_MAX) + at(b, SCALE_MAX));
        expect(at(subtractDecimals(a, b), SCALE_MAX)).toBe(at(a, SCALE_MAX) - at(b, SCALE_MAX));
        expect(at(multiplyDecimals(a, b), 2 * SCALE_MAX)).toBe(at(a, SCALE_MAX) * at(b, SCALE_MAX));
      }),
    );
  });

  it("does not mind the order", () => {
    fc.assert(
      fc.property(decimal, decimal, decimal, (a, b, c) => {
        expect(compareDecimals(addDecimals(a, b), addDecimals(b, a))).toBe(0);
        expect(compareDecimals(addDecimals(addDecimals(a, b), c), addDecimals(a, addDecimals(b, c)))).toBe(0);
        expect(compareDecimals(multiplyDecimals(a, b), multiplyDecimals(b, a))).toBe(0);
        const spread = addDecimals(multiplyDecimals(a, b), multiplyDecimals(a, c));
        expect(compareDecimals(multiplyDecimals(a, addDecimals(b, c)), spread)).toBe(0);
      }),
    );
  });

  it("sums a list exactly, whatever its order", () => {
    fc.assert(
      fc.property(fc.array(decimal), (list) => {
        const sum = list.reduce((total, item) => total + at(item, SCALE_MAX), 0n);
        expect(at(sumDecimals(list), SCALE_MAX)).toBe(sum);
        expect(at(sumDecimals([...list].reverse()), SCALE_MAX)).toBe(sum);
      }),
    );
    expect(sumDecimals([])).toEqual(ZERO);
  });

  it("sums what floats do not", () => {
    expect(formatPlain(sumDecimals(["0.1", "0.2", "9007199254740993"].map(d)))).toBe("9007199254740993.3");
  });

  it("orders by value and knows signs", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const difference = at(a, SCALE_MAX) - at(b, SCALE_MAX);
        expect(compareDecimals(a, b)).toBe(difference === 0n ? 0 : difference < 0n ? -1 : 1);
        expect(isZero(a)).toBe(a.units === 0n);
        expect(isNegative(a)).toBe(compareDecimals(a, ZERO) < 0);
        expect(isNegative(absDecimal(a))).toBe(false);
        expect(isZero(addDecimals(a, negateDecimal(a)))).toBe(true);
      }),
    );
    expect(compareDecimals(d("1.0"), d("1.00"))).toBe(0);
  });
});

describe("rounding", () => {
  it.each([
    ["0.005", "0.00"],
    ["0.015", "0.02"],
    ["0.025", "0.02"],
    ["0.0250000000000000000000000000001", "0.03"],
    ["-0.005", "0.00"],
    ["-0.015", "-0.02"],
    ["2.675", "2.68"],
    ["9.995", "10.00"],
    ["1", "1.00"],
  ])("takes %s to %s, half to even", (text, rounded) => {
    expect(toFixed(roundDecimal(d(text), 2))).toBe(rounded);
  });

  it("is monotone, idempotent, symmetric, and never off by more than a half", () => {
    fc.assert(
      fc.property(decimal, decimal, fc.integer({ min: 0, max: 20 }), (a, b, decimals) => {
        const [low, high] = compareDecimals(a, b) <= 0 ? [a, b] : [b, a];
        const rounded = roundDecimal(low, decimals);
        expect(compareDecimals(rounded, roundDecimal(high, decimals))).toBeLessThanOrEqual(0);
        expect(roundDecimal(rounded, decimals)).toEqual(rounded);
        expect(rounded.scale).toBe(decimals);
        expect(roundDecimal(negateDecimal(low), decimals)).toEqual(negateDecimal(rounded));
        const off = absDecimal(subtractDecimals(rounded, low));
        expect(compareDecimals(off, { units: 5n, scale: decimals + 1 })).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("cuts toward zero, by less than a unit of the last decimal", () => {
    expect(toFixed(truncateDecimal(d("-2.679"), 2))).toBe("-2.67");
    expect(toFixed(truncateDecimal(d("1"), 2))).toBe("1.00");
    fc.assert(
      fc.property(decimal, fc.integer({ min: 0, max: 20 }), (a, decimals) => {
        const cut = truncateDecimal(a, decimals);
        expect(cut.scale).toBe(decimals);
        expect(compareDecimals(absDecimal(cut), absDecimal(a))).toBeLessThanOrEqual(0);
        const missing = absDecimal(subtractDecimals(a, cut));
        expect(compareDecimals(missing, { units: 1n, scale: decimals })).toBe(-1);
      }),
    );
  });

  it("knows where the first digit stands", () => {
    expect(["0", "1", "9.99", "10", "-12345", "0.1", "-0.0123"].map((text) => magnitudeOf(d(text)))).toEqual([
      0, 0, 0, 1, 4, -1, -2,
    ]);
  });
});

describe("quotients for display", () => {
  it("is accurate to a relative 1e-12 for any sizes", () => {
    fc.assert(
      fc.property(decimal, decimal, (part, whole) => {
        fc.pre(!isZero(whole));
        const quotient = ratio(part, whole);
        expect(quotient).not.toBeNull();
        // quotient * whole against part, exactly: a float is a decimal with many digits.
        const scaled = at(part, SCALE_MAX) * 10n ** 40n;
        const exact = Number(scaled / at(whole, SCALE_MAX)) / 1e40;
        fc.pre(Math.abs(exact) > 1e-25);
        expect(Math.abs((quotient ?? 0) / exact - 1)).toBeLessThan(1e-12);
      }),
    );
  });

  it("keeps tiny and huge shares", () => {
    expect(ratio(d("0.000000000000000000000000000001"), d("3"))).toBeCloseTo(1e-30 / 3, 45);
    expect(ratio(d("1"), d("0.000000000000000000000000000003"))).toBe(1e30 / 3);
    expect(ratio(d("1"), d("8"))).toBe(0.125);
    expect(ratio(d("-1"), d("8"))).toBe(-0.125);
  });

  it("is null where there is no quotient, and 0 only of nothing", () => {
    expect(ratio(d("1"), d("0.00"))).toBeNull();
    expect(ratio(ZERO, ZERO)).toBeNull();
    expect(ratio(d("0.0"), d("7"))).toBe(0);
    const largest = multiplyDecimals(d("9".repeat(200)), d("9".repeat(200)));
    expect(ratio(largest, d("1"))).toBeNull();
  });

  it("tells a change in percent", () => {
    expect(percentChange(d("101.76"), d("100"))).toBe(1.76);
    expect(percentChange(d("50"), d("100"))).toBe(-50);
    expect(percentChange(d("-50"), d("-100"))).toBe(50);
    expect(percentChange(d("0.3"), d("0.3"))).toBe(0);
    expect(percentChange(d("1"), ZERO)).toBeNull();
  });
});
