import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  absDecimal,
  addDecimals,
  compareDecimals,
  formatPlain,
  isZero,
  magnitudeOf,
  parseDecimal,
} from "../../src/lib/decimal";
import {
  type Currency,
  formatAmount,
  formatExact,
  formatMoney,
  formatPercent,
  formatPrice,
  formatRate,
  formatRowAmount,
  formatShare,
  type Language,
  MASK,
  maskOr,
} from "../../src/lib/format";

const LANGUAGES: readonly Language[] = ["tr", "en"];
const CURRENCIES: readonly Currency[] = ["USD", "TRY", "EUR", "BTC"];

const language = fc.constantFrom(...LANGUAGES);
const currency = fc.constantFrom(...CURRENCIES);
const scale = fc.integer({ min: 0, max: 30 });
/** Amounts of every size: most digits of large ones, and many near the edges of rounding. */
const exact = fc
  .tuple(fc.oneof(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.bigInt({ min: -2000n, max: 2000n })), scale)
  .map(([units, decimals]) => formatPlain({ units, scale: decimals }));

/** What a reader sees, with the no-break space and the minus as one types them. */
function typed(text: string): string {
  return text.replaceAll("\u00a0", " ").replaceAll("\u2212", "-");
}

/** Reads a shown number back: the opposite of grouping, for tests only. */
function readBack(shown: string, of: Language): string {
  const [group, point] = of === "tr" ? [".", ","] : [",", "."];
  return typed(shown)
    .replaceAll(group, "")
    .replace(point, ".")
    .replace(/[$₺€₿%]/g, "");
}

const money = (of: Language, text: string, unit: Currency) => typed(formatMoney(of, text, unit));
const NOT_NUMBERS = [null, "", "abc", "1e5", "NaN", "1,5", "<img>", "9".repeat(1000)];

describe("money", () => {
  it.each<[string, Currency, string, string]>([
    ["1234.56", "USD", "$1.234,56", "$1,234.56"],
    ["1234.5", "TRY", "₺1.234,50", "₺1,234.50"],
    ["-1234567.891", "EUR", "-€1.234.567,89", "-€1,234,567.89"],
    ["0.12345678901", "BTC", "₿0,12345679", "₿0.12345679"],
    ["1", "BTC", "₿1,00000000", "₿1.00000000"],
    ["0", "USD", "$0,00", "$0.00"],
    ["-0.00", "USD", "$0,00", "$0.00"],
    ["0.00000000142861", "USD", "< $0,01", "< $0.01"],
    ["-0.001", "USD", "> -$0,01", "> -$0.01"],
    ["0.000000001", "BTC", "< ₿0,00000001", "< ₿0.00000001"],
    ["0.005", "USD", "< $0,01", "< $0.01"],
    ["0.015", "USD", "$0,02", "$0.02"],
    ["1.005", "USD", "$1,00", "$1.00"],
    ["1.015", "USD", "$1,02", "$1.02"],
    ["999.995", "USD", "$1.000,00", "$1,000.00"],
    ["9007199254740993.11", "USD", "$9.007.199.254.740.993,11", "$9,007,199,254,740,993.11"],
  ])("shows %s %s as %s and %s", (text, unit, turkish, english) => {
    expect(money("tr", text, unit)).toBe(turkish);
    expect(money("en", text, unit)).toBe(english);
  });

  it("has the marks that Intl has for the language", () => {
    const locales = { tr: "tr-TR", en: "en-GB" };
    fc.assert(
      fc.property(language, fc.integer({ min: 0, max: 10 ** 12 }), (of, cents) => {
        const options = { style: "currency", currency: "TRY", currencyDisplay: "narrowSymbol" } as const;
        const text = formatPlain({ units: BigInt(cents), scale: 2 });
        fc.pre(cents > 0);
        expect(formatMoney(of, text, "TRY")).toBe(new Intl.NumberFormat(locales[of], options).format(cents / 100));
      }),
    );
  });

  it("breaks no line inside a sum, and has a real minus", () => {
    expect(formatMoney("en", "-0.001", "USD")).toBe(">\u00a0\u2212$0.01");
    fc.assert(fc.property(language, exact, currency, (of, text, unit) => !/[ -]/.test(formatMoney(of, text, unit))));
  });

  it("is exact to half a cent, at any size", () => {
    fc.assert(
      fc.property(language, exact, currency, (of, text, unit) => {
        const shown = formatMoney(of, text, unit);
        fc.pre(!/[<>]/.test(shown));
        const back = parseDecimal(readBack(shown, of));
        const half = { units: 5n, scale: unit === "BTC" ? 9 : 3 };
        const value = parseDecimal(text);
        expect(compareDecimals(back, addDecimals(value, half))).toBeLessThanOrEqual(0);
        expect(compareDecimals(addDecimals(back, half), value)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("amounts", () => {
  it.each([
    ["122.09202928", "122,09202928", "122.09202928"],
    ["2000", "2.000", "2,000"],
    ["1500.750", "1.500,75", "1,500.75"],
    ["0.000000001", "< 0,00000001", "< 0.00000001"],
    ["-0.000000001", "> -0,00000001", "> -0.00000001"],
    ["-12.5", "-12,5", "-12.5"],
    ["0.000000025", "0,00000002", "0.00000002"],
    ["0.0", "0", "0"],
    ["100", "100", "100"],
  ])("shows %s as %s and %s", (text, turkish, english) => {
    expect(typed(formatAmount("tr", text))).toBe(turkish);
    expect(typed(formatAmount("en", text))).toBe(english);
  });

  it("shows every digit where the exact amount is asked for", () => {
    const long = "-1234567890123456789012345678901234567890.123456789012345678901234567891";
    expect(typed(formatExact("en", long))).toBe(
      "-1,234,567,890,123,456,789,012,345,678,901,234,567,890.123456789012345678901234567891",
    );
    fc.assert(
      fc.property(language, exact, (of, text) => {
        expect(readBack(formatExact(of, text), of)).toBe(text);
      }),
    );
  });
});

describe("amounts in rows", () => {
  it.each([
    ["23850.1154565", "23.850,11545", "23,850.11545"],
    ["4874.36286857", "4.874,362868", "4,874.362868"],
    ["122.09202928", "122,0920292", "122.0920292"],
    ["0.06109772", "0,06109772", "0.06109772"],
    ["123456789012345.6789", "123.456.789.012.345,67", "123,456,789,012,345.67"],
    ["123456789012345", "123.456.789.012.345", "123,456,789,012,345"],
    ["99999999.999", "99.999.999,99", "99,999,999.99"],
    ["9.9999999999", "9,99999999", "9.99999999"],
    ["0.000000019", "0,00000001", "0.00000001"],
    ["0.000000009", "< 0,00000001", "< 0.00000001"],
    ["-0.000000009", "> -0,00000001", "> -0.00000001"],
    ["-122.09202928", "-122,0920292", "-122.0920292"],
    ["1500.50", "1.500,5", "1,500.5"],
    ["0", "0", "0"],
  ])("shows %s as %s and %s", (text, turkish, english) => {
    expect(typed(formatRowAmount("tr", text))).toBe(turkish);
    expect(typed(formatRowAmount("en", text))).toBe(english);
  });

  const cut = fc.tuple(language, exact).filter(([of, text]) => !/[<>]/.test(formatRowAmount(of, text)));

  it("never shows more than there is, and is less by no more than its last digit", () => {
    fc.assert(
      fc.property(cut, ([of, text]) => {
        const value = absDecimal(parseDecimal(text));
        const back = absDecimal(parseDecimal(readBack(formatRowAmount(of, text), of)));
        const step = { units: 1n, scale: Math.min(8, Math.max(2, 9 - magnitudeOf(value))) };
        expect(compareDecimals(back, value)).toBeLessThanOrEqual(0);
        expect(compareDecimals(addDecimals(back, step), value)).toBe(1);
      }),
    );
  });

  it("keeps every digit of the whole part, two decimals, and ten significant digits at most beyond them", () => {
    fc.assert(
      fc.property(cut, ([of, text]) => {
        const [whole = "", fraction = ""] = readBack(formatRowAmount(of, text), of).replace("-", "").split(".");
        const [wanted = "", decimals = ""] = text.replace("-", "").split(".");
        expect(whole).toBe(wanted);
        expect(fraction.padEnd(2, "0").slice(0, 2)).toBe(decimals.padEnd(2, "0").slice(0, 2));
        const significant = `${whole}${fraction}`.replace(/^0+/, "");
        expect(significant.length).toBeLessThanOrEqual(Math.max(10, whole.length + 2));
      }),
    );
  });

  it("shows a bound only for what is nearer to nothing than its last digit", () => {
    fc.assert(
      fc.property(language, exact, (of, text) => {
        const value = absDecimal(parseDecimal(text));
        const isDust = !isZero(value) && compareDecimals(value, { units: 1n, scale: 8 }) < 0;
        expect(/[<>]/.test(formatRowAmount(of, text))).toBe(isDust);
      }),
    );
  });
});

describe("prices", () => {
  it.each([
    ["81790.3", "$81,790.30"],
    ["2966.456", "$2,966.46"],
    ["999.99996", "$1,000.00"],
    ["821.61", "$821.6100"],
    ["821.397", "$821.3970"],
    ["1.12916", "$1.1292"],
    ["1", "$1.0000"],
    ["0.99981", "$0.9998"],
    ["0.5", "$0.5000"],
    ["0.499996", "$0.5000"],
    ["0.16543", "$0.16543"],
    ["0.0999997", "$0.10000"],
    ["0.0235879654200426942", "$0.023588"],
    ["0.0235", "$0.023500"],
    ["0.000012345", "$0.000012345"],
    ["0", "$0.00"],
    ["0.000000000000000001", "$0.000000000000000001"],
    ["0.0000000000000000001", "< $0.000000000000000001"],
  ])("shows %s as %s", (text, shown) => {
    expect(typed(formatPrice("en", text, "USD"))).toBe(shown);
  });

  /** Prices of the sizes that there are: from a thousandth of a millionth to millions. */
  const price = fc
    .tuple(fc.bigInt({ min: 1n, max: 10n ** 18n }), fc.integer({ min: 0, max: 26 }))
    .map(([units, decimals]) => formatPlain({ units, scale: decimals }));

  it("keep their width while they tick: one more or less in any digit, or any zero at the end", () => {
    const ticks = fc.array(fc.integer({ min: 0, max: 99_999_999 }), { minLength: 2, maxLength: 8 });
    const range = fc.constantFrom("123456.", "82179.", "8217.", "821.", "82.", "1.", "0.9", "0.16", "0.023", "0.00001");
    fc.assert(
      fc.property(language, range, ticks, currency, (of, head, tails, unit) => {
        const texts = tails.map((tail) => formatPlain(parseDecimal(`${head}${String(tail).padStart(8, "0")}`)));
        // The last tick before another power of ten may be lifted onto it.
        fc.pre(tails.every((tail) => tail < 99_990_000));
        expect(new Set(texts.map((text) => formatPrice(of, text, unit).length)).size).toBe(1);
      }),
    );
  });

  it("of what is pegged keep their width on both sides of one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 500_000, max: 9_999_499 }), (millionths) => {
        expect(formatPrice("en", formatPlain({ units: BigInt(millionths), scale: 6 }), "USD")).toHaveLength(7);
      }),
    );
  });

  it("keep four significant digits at least, and never more decimals than there is room for", () => {
    fc.assert(
      fc.property(price, (text) => {
        const shown = formatPrice("en", text, "USD");
        fc.pre(!/[<>]/.test(shown));
        const back = Number(readBack(shown, "en"));
        // 18 decimals are the end, so only prices that have their digits before it are held to them.
        fc.pre(Math.abs(Number(text)) > 1e-12);
        expect(Math.abs(back / Number(text) - 1)).toBeLessThan(1.0001e-4);
        expect(shown.split(".")[1]?.length ?? 0).toBeLessThanOrEqual(18);
      }),
    );
  });

  it("are the same without a symbol", () => {
    expect(formatRate("tr", "42.3877000000000001")).toBe("42,3877");
    fc.assert(
      fc.property(language, exact, (of, text) => {
        expect(formatPrice(of, text, "TRY").replace("₺", "")).toBe(formatRate(of, text));
      }),
    );
  });
});

describe("what is not there, what is nothing, what is little", () => {
  const all = (of: Language, text: string | null) => [
    formatAmount(of, text),
    formatExact(of, text),
    formatRate(of, text),
    formatRowAmount(of, text),
    ...CURRENCIES.flatMap((unit) => [formatMoney(of, text, unit), formatPrice(of, text, unit)]),
  ];

  it("shows what is unknown or unreadable as a dash, never as 0 and never by throwing", () => {
    for (const of of LANGUAGES) {
      for (const text of NOT_NUMBERS) {
        expect(new Set(all(of, text))).toEqual(new Set(["–"]));
      }
    }
  });

  it("shows 0 only for 0, and a sign only below it", () => {
    fc.assert(
      fc.property(language, exact, (of, text) => {
        const nothing = isZero(parseDecimal(text));
        for (const shown of all(of, text)) {
          expect(/[1-9]/.test(shown)).toBe(!nothing);
          expect(shown.includes("\u2212")).toBe(text.startsWith("-"));
        }
      }),
    );
  });
});

describe("percentages", () => {
  it.each<[number | null, string, string]>([
    [1.76, "+%1,76", "+1.76%"],
    [-1.764, "-%1,76", "-1.76%"],
    [0, "%0,00", "0.00%"],
    [-0, "%0,00", "0.00%"],
    [-0.001, "%0,00", "0.00%"],
    [0.001, "%0,00", "0.00%"],
    [1234.5, "+%1.234,50", "+1,234.50%"],
    [1e21, "> +%1.000.000,00", "> +1,000,000.00%"],
    [-1e21, "< -%1.000.000,00", "< -1,000,000.00%"],
    [null, "–", "–"],
    [Number.NaN, "–", "–"],
    [Number.POSITIVE_INFINITY, "–", "–"],
  ])("shows %s as %s and %s", (value, turkish, english) => {
    expect(typed(formatPercent("tr", value, { sign: true }))).toBe(turkish);
    expect(typed(formatPercent("en", value, { sign: true }))).toBe(english);
  });

  it("has no plus unless asked, and the digits asked for", () => {
    expect(formatPercent("en", 1.76)).toBe("1.76%");
    expect(formatPercent("en", 1.76, { digits: 1 })).toBe("1.8%");
    expect(formatPercent("tr", -3.2, { digits: 0 })).toBe("\u2212%3");
  });

  it("never gives nothing a sign, and stays narrow", () => {
    fc.assert(
      fc.property(language, fc.double(), fc.integer({ min: 0, max: 4 }), (of, value, digits) => {
        const shown = formatPercent(of, value, { sign: true, digits });
        expect(/[1-9]/.test(shown) || !/[+\u2212]/.test(shown)).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(18);
      }),
    );
  });

  it.each<[number | null, string, string]>([
    [0, "%0,0", "0.0%"],
    [0.25, "%25,0", "25.0%"],
    [0.0004, "< %0,1", "< 0.1%"],
    [1e-30, "< %0,1", "< 0.1%"],
    [-0.0004, "> -%0,1", "> -0.1%"],
    [0.9999, "> %99,9", "> 99.9%"],
    [1, "%100,0", "100.0%"],
    [1.5, "%150,0", "150.0%"],
    [null, "–", "–"],
    [Number.NaN, "–", "–"],
  ])("shows the share %s as %s and %s", (fraction, turkish, english) => {
    expect(typed(formatShare("tr", fraction))).toBe(turkish);
    expect(typed(formatShare("en", fraction))).toBe(english);
  });

  it("calls nothing but 0 a share of 0, and nothing but the whole 100", () => {
    fc.assert(
      fc.property(language, fc.double({ min: -1, max: 1, noNaN: true }), (of, fraction) => {
        const shown = readBack(formatShare(of, fraction), of);
        expect(/^-?0\.0$/.test(shown)).toBe(fraction === 0);
        expect(/^-?100\.0$/.test(shown)).toBe(Math.abs(fraction) === 1);
      }),
    );
  });
});

describe("the mask", () => {
  it("tells nothing of what it hides, not even its length", () => {
    fc.assert(fc.property(fc.string(), (text) => maskOr(true, text) === MASK && maskOr(false, text) === text));
    expect(MASK).toHaveLength(6);
  });
});
