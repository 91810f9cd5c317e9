import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assetName, searchNames } from "../../src/lib/names";
import { fold, matcher, matches } from "../../src/lib/search";

const text = fc.string({ unit: "grapheme" });
const word = fc.stringMatching(/^[a-zA-Z0-9ıİçğöşüÇĞÖŞÜ]{1,12}$/);

describe("search", () => {
  it.each([
    ["bitcoin", "Bitcoin"],
    ["BİTCOİN", "Bitcoin"],
    ["bıtcoın", "BITCOIN"],
    ["ISIK", "Işık"],
    ["ışık", "isik"],
    ["lirasi", "Türk lirası"],
    ["TURK LİRASI", "Türk lirası"],
    ["cafe", "CAFÉ"],
    ["ＢＴＣ", "btc"],
    ["btc", "ＢＴＣ"],
    ["lodz", "Łódź"],
    ["STRASSE", "straße"],
    ["币安", "币安人生"],
    ["btc", "B\u200bT\u202eC"],
    ["σοφος", "ΣΟΦΟΣ"],
  ])("finds by %j the name %j", (query, name) => {
    expect(matches(query, name)).toBe(true);
  });

  it("makes one letter of the four i, everywhere", () => {
    const letters = fc.constantFrom("i", "ı", "I", "İ");
    fc.assert(
      fc.property(text, text, letters, letters, (before, after, one, other) => {
        expect(fold(before + one + after)).toBe(fold(before + other + after));
      }),
    );
  });

  it("finds a text by any part of it, in either case", () => {
    fc.assert(
      fc.property(word, word, word, (before, part, after) => {
        const whole = before + part + after;
        for (const query of [part, part.toUpperCase(), part.toLowerCase(), part.toLocaleUpperCase("tr")]) {
          expect(matches(query, whole)).toBe(true);
        }
      }),
    );
  });

  it("asks for every word, in any order and any field", () => {
    expect(matches("usdt binance", "USDT", "Tether", "binance")).toBe(true);
    expect(matches("binance usdt", "USDT", "Tether", "binance")).toBe(true);
    expect(matches("usdt btcturk", "USDT", "Tether", "binance")).toBe(false);
    // Two fields are not one text.
    expect(matches("tbin", "USDT", "binance")).toBe(false);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        expect(matches([...words].reverse().join("  "), ...words)).toBe(true);
      }),
    );
  });

  it("matches everything where nothing is asked, even a row without names", () => {
    for (const query of ["", " ", "\t\u00a0", "\u200b\u202e"]) {
      expect(matches(query)).toBe(true);
      expect(matches(query, "x", null)).toBe(true);
    }
  });

  it("finds nothing in what is not there", () => {
    expect(matches("null", null, undefined)).toBe(false);
    expect(matches("x")).toBe(false);
  });

  it("takes a query for text, never for a pattern", () => {
    expect(matches(".*", "BTC")).toBe(false);
    expect(matches("[", "a[b")).toBe(true);
  });

  it("folds once and for all, and any text at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (any) => {
        expect(fold(fold(any))).toBe(fold(any));
      }),
      { numRuns: 1000 },
    );
  });

  it("says the same prepared for many rows", () => {
    fc.assert(
      fc.property(text, text, (query, field) => {
        expect(matcher(query)(field)).toBe(matches(query, field));
      }),
    );
  });
});

describe("names", () => {
  it("knows coins alike and currencies by language", () => {
    expect(assetName("BTC")).toBe("Bitcoin");
    expect(assetName("BTC", "tr")).toBe("Bitcoin");
    expect(assetName("TRY", "tr")).toBe("Türk lirası");
    expect(assetName("TRY", "en")).toBe("Turkish lira");
    expect(matches("lira", ...searchNames("TRY"))).toBe(true);
    expect(matches("lirası", ...searchNames("TRY"))).toBe(true);
    expect(searchNames("ETH")).toEqual(["Ethereum"]);
  });

  it("knows nothing of names that a program would take for its own", () => {
    for (const code of ["constructor", "__proto__", "toString", "", "btc", "币安人生"]) {
      expect(assetName(code)).toBeNull();
      expect(searchNames(code)).toEqual([]);
    }
  });
});
