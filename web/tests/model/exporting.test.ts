import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cell, toCsv } from "../../src/lib/csv";
import { ALL_COLUMNS, allRows, type Column, fileNameOf, SHOWN_COLUMNS, shownRows } from "../../src/model/exporting";
import { holdingsOf, shareOf, sumOfValues } from "../../src/model/holdings";
import { anyAccounts } from "../arbitrary";
import { account, balance, document, mirrored, NOON, sumOf, wallet, worth } from "../build";
import { sample } from "../sample";

const WORDS = { status: (status: string) => `is ${status}`, yes: "yes", no: "no" };
const word = (mark: string) => `is ${mark}`;

/** A row by its columns. */
function named(columns: readonly Column[], cells: readonly Cell[]): Partial<Record<Column, Cell>> {
  expect(cells).toHaveLength(columns.length);
  return Object.fromEntries(columns.map((column, at) => [column, cells[at]]));
}

function shown(balances: Parameters<typeof account>[1], language: "tr" | "en" = "en") {
  const holdings = [...holdingsOf([account("binance", balances)]).values()];
  return shownRows(holdings, sumOfValues(holdings), language, word).map((cells) => named(SHOWN_COLUMNS, cells));
}

function all(balances: Parameters<typeof account>[1]) {
  const one = document([account("binance", balances)]);
  return allRows(one, "en", WORDS).map((cells) => named(ALL_COLUMNS, cells));
}

const cell = (exact: string | null): Cell => (exact === null ? "" : { number: exact });

describe("the rows as shown", () => {
  it("have every amount to its last digit, in the order of the table", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const holdings = [...holdingsOf(accounts).values()].reverse();
        const rows = shownRows(holdings, sumOfValues(holdings), "en", word).map((cells) => named(SHOWN_COLUMNS, cells));
        expect(rows).toHaveLength(holdings.length);
        holdings.forEach((holding, at) => {
          const { asset, free, locked, total, price, value } = holding;
          const amounts = { free: cell(free), locked: cell(locked), total: cell(total) };
          expect(rows[at]).toMatchObject({ asset, ...amounts, price: cell(price), value: cell(value) });
          expect(rows[at]?.share === "").toBe(shareOf(holding, sumOfValues(holdings)) === null);
          expect(rows[at]?.change === "").toBe(holding.change === null);
        });
      }),
    );
  });

  it("say what a balance is, with its path, its change and its share", () => {
    const bitcoin = worth("150", { priceUsd: "75", value24hAgoUsd: "100", pricePath: ["BTC", "TRY", "USD"] });
    expect(shown([balance("BTC", "1.5", { ...bitcoin, locked: "0.5" }), balance("ETH", "1", worth("50"))])[0]).toEqual({
      asset: "BTC",
      name: "Bitcoin",
      free: { number: "1.5" },
      locked: { number: "0.5" },
      total: { number: "2" },
      price: { number: "75" },
      path: "BTC > TRY > USD",
      value: { number: "150" },
      change: { number: "50.0000" },
      share: { number: "75.0000" },
      status: "",
    });
  });

  it("leave the cells of what is unknown empty: no 0 stands there", () => {
    expect(shown([balance("XYZ", "3")])).toEqual([
      {
        asset: "XYZ",
        name: "",
        free: { number: "3" },
        locked: { number: "0" },
        total: { number: "3" },
        price: "",
        path: "",
        value: "",
        change: "",
        share: "",
        status: "is unpriced",
      },
    ]);
  });

  it("mark what counts elsewhere, and give it no value", () => {
    const there = balance("LDBTC", "1", { ...worth("9"), ...mirrored("earn-flexible", "BTC") });
    expect(shown([there])).toMatchObject([{ total: { number: "1" }, value: "", share: "", status: "is mirror" }]);
  });

  it("have all marks in words, and names in the language", () => {
    const parts = [balance("TRY", "1", worth("1", { priceStale: true })), balance("TRY", "1")];
    expect(shown(parts, "tr")).toMatchObject([{ name: "Türk lirası", status: "is priceStale, is unpriced" }]);
  });
});

describe("the rows of all balances", () => {
  it("are every balance of every account, exact", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const rows = allRows(document(accounts), "en", WORDS).map((cells) => named(ALL_COLUMNS, cells));
        const expected = accounts.flatMap(({ exchange, account: label, balances }) =>
          balances.map((one) => ({
            exchange,
            account: label,
            wallet: one.wallet,
            asset: one.asset,
            free: cell(one.free),
            locked: cell(one.locked),
            total: cell(one.total),
            price: cell(one.priceUsd),
            value: one.counted ? cell(one.valueUsd) : "",
            counted: one.counted ? "yes" : "no",
          })),
        );
        expect(rows).toMatchObject(expected);
      }),
    );
  });

  it("say of what stands elsewhere that it is not counted, and leave its value there", () => {
    const there = balance("LDBTC", "1", { ...worth("9"), ...mirrored("earn-flexible", "BTC") });
    expect(all([balance("BTC", "1", worth("9")), there])).toMatchObject([
      { asset: "BTC", counted: "yes" },
      { asset: "LDBTC", counted: "no", value: "" },
    ]);
  });

  it("leave the cells of what is unknown empty", () => {
    expect(all([balance("XYZ", "3")])).toMatchObject([{ name: "", price: "", path: "", value: "" }]);
    const unnamed = document([account("binance", [balance("BTC", "1")], { wallets: [] })]);
    expect(named(ALL_COLUMNS, allRows(unnamed, "en", WORDS)[0] ?? [])).toMatchObject({ status: "", asOf: "" });
  });

  it("have the state of their own wallet, and when that was read", () => {
    const wallets = [wallet("funding", { status: "stale", asOf: "2026-11-23T11:00:00Z" }), wallet("spot")];
    const parts = [balance("BTC", "1"), balance("BTC", "1", { wallet: "funding" })];
    const rows = allRows(document([account("binance", parts, { wallets })]), "en", WORDS);
    expect(rows.map((cells) => named(ALL_COLUMNS, cells))).toMatchObject([
      { wallet: "spot", status: "is fresh", asOf: NOON },
      { wallet: "funding", status: "is stale", asOf: "2026-11-23T11:00:00Z" },
    ]);
  });

  it("of a real answer sum to its total", () => {
    const rows = allRows(sample, "en", WORDS).map((cells) => named(ALL_COLUMNS, cells));
    const values = rows.map(({ value }) => value).filter((value) => value !== "");
    const whole = sumOf(values.map((value) => (typeof value === "object" ? value.number : "no number")));
    expect(whole).toBe(sample.totals.totalUsdExact);
    expect(rows.filter(({ counted }) => counted === "no").length).toBeGreaterThan(0);
  });
});

describe("the file", () => {
  it("has names that no spreadsheet runs, and numbers that it reads", () => {
    const rows = allRows(document([account("binance", [balance("=1+1", "0.5")])]), "tr", WORDS);
    const [line = ""] = toCsv(rows, { separator: ";", decimalMark: "," }).split("\r\n");
    expect(line).toBe(`\ufeffbinance;main;spot;'=1+1;;"0,5";0;"0,5";;;;yes;is fresh;${NOON}`);
  });

  it("has no column twice", () => {
    expect(new Set(SHOWN_COLUMNS).size).toBe(SHOWN_COLUMNS.length);
    expect(new Set(ALL_COLUMNS).size).toBe(ALL_COLUMNS.length);
  });
});

describe("the name of the file", () => {
  it("is made of the tab's id and the day in Istanbul", () => {
    const late = document([], { updatedAt: "2026-11-23T21:30:00.000Z" });
    expect(fileNameOf(late, "binance/savings")).toBe("portfolio-main-binance-savings-2026-11-24.csv");
    expect(fileNameOf(document([]), "all")).toBe("portfolio-main-all-2026-11-23.csv");
  });

  it("has nothing that a file's name may not have, whatever an account is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (id) => {
        expect(fileNameOf(document([]), id)).toMatch(/^portfolio-main-[a-z0-9_-]*-2026-11-23\.csv$/i);
      }),
    );
  });
});
