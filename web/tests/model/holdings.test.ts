import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPlain, isZero, parseDecimal } from "../../src/lib/decimal";
import type { Account, Balance } from "../../src/model/document";
import { convert, type Holding, holdingsOf, shareOf, sumOfValues } from "../../src/model/holdings";
import { ASSETS, amount, anyAccounts } from "../arbitrary";
import {
  account,
  balance,
  mirrored,
  sumOf,
  textOf,
  units,
  sumOfValues as valueOfBalances,
  wallet,
  worth,
} from "../build";

function only(accounts: readonly Account[]): Holding {
  const [first, ...others] = holdingsOf(accounts).values();
  expect(others).toEqual([]);
  return first as Holding;
}

/** The balances of an asset that count; where none does, all of them. */
function shownOf(accounts: readonly Account[], asset: string): Balance[] {
  const all = accounts.flatMap(({ balances }) => balances).filter((one) => one.asset === asset);
  const counted = all.filter((one) => one.counted);
  return counted.length === 0 ? all : counted;
}

describe("the sums of an asset", () => {
  it("are exact to the last digit", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        for (const holding of holdingsOf(accounts).values()) {
          const shown = shownOf(accounts, holding.asset);
          for (const name of ["free", "locked", "total"] as const) {
            expect(holding[name]).toBe(sumOf(shown.map((one) => one[name])));
            expect(formatPlain(holding.sortable[name])).toBe(holding[name]);
          }
          const priced = shown.filter((one) => one.counted && one.valueUsd !== null);
          const value = priced.length === 0 ? null : valueOfBalances(priced);
          expect(holding.value).toBe(value);
          expect(holding.sortable.value === null ? null : formatPlain(holding.sortable.value)).toBe(value);
          const unpriced = shown.filter((one) => one.counted && one.valueUsd === null);
          expect(holding.unpriced).toBe(sumOf(unpriced.map((one) => one.total)));
        }
      }),
    );
  });

  it("have free and locked as the whole", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        for (const { free, locked, total } of holdingsOf(accounts).values()) {
          expect(sumOf([free, locked])).toBe(total);
        }
      }),
    );
  });

  it("are worth together what counts and has a price", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const whole = formatPlain(sumOfValues(holdingsOf(accounts).values()));
        expect(whole).toBe(valueOfBalances(accounts.flatMap(({ balances }) => balances)));
      }),
    );
  });

  it("leave out what stands elsewhere", () => {
    const here = balance("BTC", "1", worth("100", { value24hAgoUsd: "50" }));
    const there = balance("BTC", "5", { ...worth("500", { value24hAgoUsd: "1" }), ...mirrored("funding", "BTC") });
    const holding = only([account("binance", [here, there])]);
    expect(holding).toMatchObject({ total: "1", value: "100", change: 100, marks: [] });
    expect(holding.parts.map((part) => part.balance)).toEqual([here, there]);
  });

  it("of what stands elsewhere altogether are amounts without a value, whatever a price says", () => {
    const there = balance("LDBTC", "5", { ...worth("500", { value24hAgoUsd: "1" }), ...mirrored("funding", "BTC") });
    const holding = only([account("binance", [there])]);
    expect(holding).toMatchObject({ total: "5", price: "1", value: null, unpriced: "0", change: null });
    expect(holding.marks).toEqual(["mirror"]);
  });

  it("keep what has no price apart from what has one", () => {
    const parts = [balance("BTC", "1", worth("100")), balance("BTC", "0.5", { wallet: "funding" })];
    expect(only([account("binance", parts)])).toMatchObject({ value: "100", unpriced: "0.5", marks: ["unpriced"] });
  });

  it("without any price are of no known value, and not of 0", () => {
    const holding = only([account("binance", [balance("ETH", "0.4")])]);
    expect(holding).toMatchObject({ value: null, price: null, path: null, change: null, unpriced: "0.4", prices: 0 });
    expect(shareOf(holding, parseDecimal("100"))).toBeNull();
  });

  it("are 0 where the value is known to be 0", () => {
    const holding = only([account("binance", [balance("BTC", "0", worth("0"))])]);
    expect(holding).toMatchObject({ value: "0", unpriced: "0", marks: [] });
    expect(shareOf(holding, parseDecimal("100"))).toBe(0);
  });

  it("stand for every asset, whatever it is called", () => {
    const balances = ASSETS.map((name, at) => balance(name, String(at + 1), worth(String(at))));
    const holdings = holdingsOf([account("binance", balances), account("btcturk", balances)]);
    expect([...holdings.keys()]).toEqual([...ASSETS]);
    ASSETS.forEach((name, at) => {
      expect(holdings.get(name)).toMatchObject({ asset: name, total: String(2 * (at + 1)), value: String(2 * at) });
    });
  });
});

describe("the price of an asset", () => {
  it("is that of the part that is worth most, with its path; the others are counted", () => {
    const path = ["BTC", "TRY", "USD"];
    const parts = [
      balance("BTC", "1", worth("9", { priceUsd: "9" })),
      balance("BTC", "2", worth("20", { priceUsd: "10", pricePath: path })),
      balance("BTC", "3"),
    ];
    expect(only([account("binance", parts)])).toMatchObject({ price: "10", path, prices: 2 });
    expect(only([account("binance", [...parts].reverse())])).toMatchObject({ price: "10", path, prices: 2 });
  });

  it("is none of what counts elsewhere", () => {
    const parts = [
      balance("BTC", "1", worth("9", { priceUsd: "9" })),
      balance("BTC", "2", { ...worth("20", { priceUsd: "10" }), ...mirrored("funding", "BTC") }),
    ];
    expect(only([account("binance", parts)])).toMatchObject({ price: "9", prices: 1 });
  });
});

describe("the change of an asset", () => {
  it("compares only what has both prices", () => {
    const parts = [
      balance("BTC", "1", worth("150", { value24hAgoUsd: "100" })),
      balance("BTC", "1", worth("1000")),
      balance("BTC", "1"),
    ];
    expect(only([account("binance", parts)])).toMatchObject({ value: "1150", change: 50 });
  });

  it("is unknown where there is nothing to compare with", () => {
    const none = balance("BTC", "1", worth("100"));
    const fromNothing = balance("BTC", "1", worth("100", { value24hAgoUsd: "0" }));
    expect(only([account("binance", [none])]).change).toBeNull();
    expect(only([account("binance", [fromNothing])]).change).toBeNull();
  });
});

describe("the marks of an asset", () => {
  it("say what is doubtful of any part that counts", () => {
    const wallets = [wallet("spot", { status: "suspicious" }), wallet("funding", { status: "stale" })];
    const parts = [
      balance("BTC", "1", worth("1", { priceStale: true })),
      balance("BTC", "1", { wallet: "funding" }),
      balance("ETH", "1", worth("1", { wallet: "earn-flexible" })),
      balance("ETH", "1", { ...worth("1", { priceStale: true }), ...mirrored("earn-flexible", "ETH") }),
    ];
    const holdings = holdingsOf([account("binance", parts, { wallets: [...wallets, wallet("earn-flexible")] })]);
    expect(holdings.get("BTC")?.marks).toEqual(["suspicious", "stale", "priceStale", "unpriced"]);
    expect(holdings.get("ETH")?.marks).toEqual([]);
  });

  it("go by the account where its wallet is not named", () => {
    const holding = only([account("binance", [balance("BTC", "1", worth("1"))], { wallets: [], status: "stale" })]);
    expect(holding.marks).toEqual(["stale"]);
  });
});

describe("shares", () => {
  it("sum to 1", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const holdings = [...holdingsOf(accounts).values()];
        const whole = sumOfValues(holdings);
        fc.pre(!isZero(whole));
        const shares = holdings.map((holding) => shareOf(holding, whole)).filter((share) => share !== null);
        expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1)).toBeLessThan(1e-9);
      }),
    );
  });

  it("of nothing are unknown", () => {
    const holding = only([account("binance", [balance("BTC", "0", worth("0"))])]);
    expect(shareOf(holding, parseDecimal("0"))).toBeNull();
  });
});

describe("conversion", () => {
  it("is exact", () => {
    fc.assert(
      fc.property(amount, amount, (exact, rate) => {
        // A product has as many decimals as both together.
        expect(units(convert(exact, rate) as string, 60)).toBe(units(exact) * units(rate));
      }),
    );
    expect(convert("0.1", "0.2")).toBe("0.02");
    expect(convert("-3.5", "41.25")).toBe("-144.375");
  });

  it("keeps dollars as they are", () => {
    fc.assert(fc.property(amount, (exact) => convert(exact, "1") === exact));
  });

  it("of the unknown, or at an unknown rate, is unknown", () => {
    expect(convert(null, "2")).toBeNull();
    expect(convert("2", null)).toBeNull();
    expect(convert("0", null)).toBeNull();
    expect(convert("0", "2")).toBe("0");
  });
});

describe("the builders of these tests", () => {
  it("read and write amounts alike", () => {
    expect(textOf(units("-12.5"))).toBe("-12.5");
    expect(textOf(units("0.000000000000000000000000000001"))).toBe("0.000000000000000000000000000001");
    expect(sumOf(["0.1", "0.2", "-0.3"])).toBe("0");
  });
});
