import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Holding, holdingsOf } from "../../src/model/holdings";
import { DEFAULT_SORT, isSmall, type Sort, type SortColumn, viewOf } from "../../src/model/view";
import { ASSETS, anyAccounts } from "../arbitrary";
import { account, balance, mirrored, units, worth } from "../build";

const COLUMNS: readonly SortColumn[] = ["asset", "free", "locked", "total", "price", "change", "value", "share"];
const anySort: fc.Arbitrary<Sort> = fc.record({ column: fc.constantFrom(...COLUMNS), descending: fc.boolean() });
const anyHoldings = anyAccounts.map((accounts) => [...holdingsOf(accounts).values()]);

function holdingsFrom(...balances: Parameters<typeof balance>[]): Holding[] {
  return [
    ...holdingsOf([
      account(
        "binance",
        balances.map((one) => balance(...one)),
      ),
    ]).values(),
  ];
}

const wish = (sort: Sort = DEFAULT_SORT) => ({ query: "", hideSmall: false, sort });
const namesIn = (holdings: readonly Holding[], sort?: Sort) =>
  viewOf(holdings, wish(sort)).rows.map(({ asset }) => asset);

function shownIn({ column }: Sort, holding: Holding): number | bigint | string | null {
  if (column === "asset" || column === "change") {
    return holding[column];
  }
  const exact = holding[column === "share" ? "value" : column];
  return exact === null ? null : units(exact);
}

describe("the order of rows", () => {
  it("puts known ones by the column, and unknown ones last both ways", () => {
    fc.assert(
      fc.property(anyHoldings, anySort, (holdings, sort) => {
        const shown = viewOf(holdings, wish(sort)).rows.map((holding) => shownIn(sort, holding));
        const known = shown.filter((value) => value !== null);
        expect(shown.slice(0, known.length)).toEqual(known);
        known.slice(1).forEach((value, at) => {
          const before = known[at] as typeof value;
          expect(sort.descending ? before >= value : before <= value).toBe(true);
        });
      }),
    );
  });

  it("is the same however the rows came, and leaves none out", () => {
    const shuffled = anyHoldings.chain((holdings) =>
      fc.tuple(fc.constant(holdings), fc.shuffledSubarray(holdings, { minLength: holdings.length })),
    );
    fc.assert(
      fc.property(shuffled, anySort, ([holdings, others], sort) => {
        const { rows, hiddenSmall } = viewOf(holdings, wish(sort));
        expect(viewOf(others, wish(sort)).rows).toEqual(rows);
        expect(new Set(rows)).toEqual(new Set(holdings));
        expect(rows).toHaveLength(holdings.length);
        expect(hiddenSmall).toBe(0);
      }),
    );
  });

  it("leaves the rows it was given as they were", () => {
    const holdings = holdingsFrom(["A", "1", worth("1")], ["B", "1", worth("2")]);
    viewOf(holdings, wish());
    expect(holdings.map(({ asset }) => asset)).toEqual(["A", "B"]);
  });

  it("has the largest value first, equal ones by name, and those without a value after a debt", () => {
    const holdings = holdingsFrom(
      ["NONE", "1"],
      ["DEBT", "1", worth("-5")],
      ["ZERO", "0", worth("0")],
      ["B", "1", worth("10")],
      ["A", "1", worth("10.0")],
      ["BIG", "1", worth("9007199254740993.1")],
      ["BIGGER", "1", worth("9007199254740993.2")],
    );
    expect(namesIn(holdings)).toEqual(["BIGGER", "BIG", "A", "B", "ZERO", "DEBT", "NONE"]);
    const ascending = namesIn(holdings, { column: "value", descending: false });
    expect(ascending).toEqual(["DEBT", "ZERO", "A", "B", "BIG", "BIGGER", "NONE"]);
  });

  it("has shares in the order of values", () => {
    fc.assert(
      fc.property(anyHoldings, fc.boolean(), (holdings, descending) => {
        expect(namesIn(holdings, { column: "share", descending })).toEqual(
          namesIn(holdings, { column: "value", descending }),
        );
      }),
    );
  });

  it("knows a change of 0 from none", () => {
    const holdings = holdingsFrom(
      ["NONE", "1", worth("1")],
      ["SAME", "1", worth("1", { value24hAgoUsd: "1" })],
      ["LESS", "1", worth("1", { value24hAgoUsd: "2" })],
    );
    expect(namesIn(holdings, { column: "change", descending: true })).toEqual(["SAME", "LESS", "NONE"]);
    expect(namesIn(holdings, { column: "change", descending: false })).toEqual(["LESS", "SAME", "NONE"]);
  });
});

describe("hiding what is small", () => {
  const hiding = { query: "", hideSmall: true, sort: DEFAULT_SORT };

  it("hides what is surely below a dollar, and counts it", () => {
    const holdings = holdingsFrom(
      ["DUST", "1", worth("0.999999999999999999")],
      ["ONE", "1", worth("1")],
      ["NOTHING", "0", worth("0")],
      ["OWED", "1", worth("-0.5")],
      ["OWES", "1", worth("-1")],
    );
    expect(viewOf(holdings, hiding)).toMatchObject({ rows: [{ asset: "ONE" }, { asset: "OWES" }], hiddenSmall: 3 });
  });

  it("never hides what has no price, in whole or in part, or counts elsewhere", () => {
    const holdings = holdingsFrom(
      ["NONE", "0.00000001"],
      ["PART", "1", worth("0.01")],
      ["PART", "1", { wallet: "funding" }],
      ["MIRROR", "1", { ...worth("0.01"), ...mirrored("funding", "BTC") }],
    );
    expect(viewOf(holdings, hiding)).toMatchObject({ rows: { length: 3 }, hiddenSmall: 0 });
    expect(holdings.filter(isSmall)).toEqual([]);
  });

  it("calls only what has a price in full small", () => {
    fc.assert(
      fc.property(anyHoldings, (holdings) => {
        const { rows, hiddenSmall } = viewOf(holdings, hiding);
        const hidden = holdings.filter((holding) => !rows.includes(holding));
        expect(hidden).toHaveLength(hiddenSmall);
        for (const { value, unpriced } of hidden) {
          expect(unpriced).toBe("0");
          expect(units(value as string)).toBeLessThan(units("1"));
        }
      }),
    );
  });

  it("counts as hidden only what the search has found", () => {
    const holdings = holdingsFrom(["DUST", "1", worth("0.1")], ["DOT", "1", worth("0.1")], ["BTC", "1", worth("5")]);
    expect(viewOf(holdings, { ...hiding, query: "dus" })).toEqual({ rows: [], hiddenSmall: 1 });
  });
});

describe("the search", () => {
  const found = (holdings: readonly Holding[], query: string) =>
    viewOf(holdings, { ...wish(), query }).rows.map(({ asset }) => asset);

  it("finds by code and by name in both languages, however they are typed", () => {
    const holdings = holdingsFrom(["BTC", "1"], ["TRY", "1"], ["XYZ", "1"]);
    for (const query of ["btc", "BİTCOİN", "bitcoın", " Bit  coin "]) {
      expect(found(holdings, query), query).toEqual(["BTC"]);
    }
    for (const query of ["lirası", "Turkish", "try"]) {
      expect(found(holdings, query), query).toEqual(["TRY"]);
    }
    expect(found(holdings, "")).toHaveLength(3);
    expect(found(holdings, "nothing is called so")).toEqual([]);
  });

  it("finds every asset, whatever it is called", () => {
    const holdings = holdingsFrom(...ASSETS.map((name): [string, string] => [name, "1"]));
    for (const name of ASSETS) {
      expect(found(holdings, name)).toContain(name);
    }
  });
});
