import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cell, DIALECTS, type Dialect, guardFormula, type Separator, toCsv } from "../../src/lib/csv";
import { isPlainNumber } from "../../src/lib/decimal";

const SEPARATORS: readonly Separator[] = [";", ",", "\t"];

/** Reads CSV as RFC 4180 says, and where a text is not so, as spreadsheets do: a quote in the middle is a quote. */
function parseCsv(file: string, separator: Separator): string[][] {
  const text = file.startsWith("\ufeff") ? file.slice(1) : file;
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      at += 1;
      while (at < text.length && (text[at] !== '"' || text[at + 1] === '"')) {
        cell += text[at];
        at += text[at] === '"' ? 2 : 1;
      }
      at += 1;
    }
    while (at < text.length && text[at] !== separator && text[at] !== "\r" && text[at] !== "\n") {
      cell += text[at];
      at += 1;
    }
    row.push(cell);
    if (text[at] === separator && at < text.length) {
      at += 1;
      if (at === text.length) {
        row.push("");
      }
      continue;
    }
    at += text.startsWith("\r\n", at) ? 2 : 1;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** Everything that a spreadsheet could mind, often. */
const nasty = fc.string({
  unit: fc.constantFrom(..."=+-@＝＋－＠﹦﹢﹣﹫;,\t\r\n\"' \u00a0\u200b\ufeff0159.aA|!()".split("")),
  maxLength: 12,
});
const cellText = fc.oneof(nasty, fc.string({ unit: "binary", maxLength: 20 }), fc.string({ unit: "grapheme" }));
const numberText = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.option(fc.stringMatching(/^[0-9]{1,18}$/)))
  .map(([minus, whole, rest]) => `${minus ? "-" : ""}${whole}${rest === null ? "" : `.${rest}`}`);
const cell: fc.Arbitrary<Cell> = fc.oneof(
  cellText,
  numberText.map((number) => ({ number })),
);
const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 5 });
const dialect: fc.Arbitrary<Dialect> = fc.record({
  separator: fc.constantFrom(...SEPARATORS),
  decimalMark: fc.constantFrom("." as const, "," as const),
});

/** What a spreadsheet would run: said independently of the guard, by what is left when spaces and unseen marks go. */
function isFormula(text: string): boolean {
  const start = text.replace(/^[\s\p{C}]+/u, "").normalize("NFKC");
  return /^[=+\-@]/.test(start) && !/^-\d+(\.\d+)?$/.test(text);
}

describe("the file", () => {
  it("begins with a byte order mark and ends every row with CRLF", () => {
    expect(toCsv([["a", "b"], ["c"]], { separator: "," })).toBe("\ufeffa,b\r\nc\r\n");
    expect(toCsv([], { separator: ";" })).toBe("\ufeff");
  });

  it("quotes what needs it, and doubles quotes", () => {
    expect(toCsv([['say "hi"', "a;b", "a,b", "a\nb", "plain"]], { separator: ";" })).toBe(
      '\ufeff"say ""hi""";"a;b";"a,b";"a\nb";plain\r\n',
    );
  });

  it("reads back as it was written", () => {
    fc.assert(
      fc.property(table, dialect, (rows, how) => {
        const expected = rows.map((row) =>
          row.map((one) =>
            typeof one === "string" ? guardFormula(one) : one.number.replace(".", how.decimalMark ?? "."),
          ),
        );
        expect(parseCsv(toCsv(rows, how), how.separator)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("writes numbers as each language's spreadsheet reads them, every digit", () => {
    const rows: Cell[][] = [["BTC", { number: "-1234.000000000000000005" }, "1.5"]];
    expect(toCsv(rows, DIALECTS.tr)).toBe('\ufeffBTC;"-1234,000000000000000005";1.5\r\n');
    expect(toCsv(rows, DIALECTS.en)).toBe("\ufeffBTC,-1234.000000000000000005,1.5\r\n");
    expect(toCsv([[{ number: "0.5" }]], { separator: ",", decimalMark: "," })).toBe('\ufeff"0,5"\r\n');
  });

  it("guards a number that is none", () => {
    expect(toCsv([[{ number: "=1+1" }, { number: "-1e5" }]], DIALECTS.en)).toBe("\ufeff'=1+1,'-1e5\r\n");
  });
});

describe("the formula guard", () => {
  it.each([
    ["=1+1", "'=1+1"],
    ["+5", "'+5"],
    ["-2+3", "'-2+3"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["  =1", "'  =1"],
    ["\u200b\u00a0=1", "'\u200b\u00a0=1"],
    ["＝1", "'＝1"],
    ["﹣1", "'﹣1"],
    ["\tx", "'\tx"],
    [" \rx", "' \rx"],
    ["a;=1", "a;'=1"],
    ["a\r\n=1", "a\r\n'=1"],
  ])("makes text of %j", (text, guarded) => {
    expect(guardFormula(text)).toBe(guarded);
  });

  it.each(["-5", "-0.00000001", "5", "BTC", "a-b", "", "2026-11-23T03:32:33.267Z", "BTC > USDT", "币安人生"])(
    "leaves %j alone",
    (text) => {
      expect(guardFormula(text)).toBe(text);
    },
  );

  it("knows every character of Unicode that is a form of the four", () => {
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code);
      if (/^[=+\-@]/.test(character.normalize("NFKC")) && guardFormula(`${character}1+1`) !== `'${character}1+1`) {
        expect.fail(`U+${code.toString(16)} is not guarded`);
      }
    }
  });

  it("lets no text begin a formula, and plain numbers stay numbers", () => {
    fc.assert(
      fc.property(cellText, (text) => {
        const guarded = guardFormula(text);
        expect(isFormula(guarded)).toBe(false);
        expect(guarded).not.toMatch(/^[ \u00a0]*[\t\r]/);
        expect(guarded.replaceAll("'", "")).toBe(text.replaceAll("'", ""));
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(numberText, (text) => guardFormula(text) === text));
  });

  it("holds even in a spreadsheet that cuts the file at another separator", () => {
    const texts = fc.array(
      fc.array(
        cellText.filter((text) => !isPlainNumber(text)),
        { minLength: 1, maxLength: 4 },
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(texts, dialect, fc.constantFrom(...SEPARATORS), (rows, how, wrong) => {
        const cells = parseCsv(toCsv(rows, how), wrong).flat();
        expect(cells.filter(isFormula)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
