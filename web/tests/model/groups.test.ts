import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Account, Balance } from "../../src/model/document";
import { groupsOf } from "../../src/model/groups";
import { ASSETS, anyAccounts } from "../arbitrary";
import { account, balance, mirrored, sumOf, sumOfValues, units, worth } from "../build";
import { sample } from "../sample";

const WORDS = { exchange: (name: string) => `the ${name}`, wallet: (name: string) => `in ${name}` };
const KINDS = ["asset", "exchange", "wallet"] as const;

/** The exact values that parts have by a name of theirs. */
function expected(accounts: readonly Account[], nameOf: (account: Account, balance: Balance) => string) {
  const lists = new Map<string, Balance[]>();
  for (const each of accounts) {
    for (const one of each.balances.filter(({ counted, valueUsd }) => counted && valueUsd !== null)) {
      const name = nameOf(each, one);
      lists.set(name, [...(lists.get(name) ?? []), one]);
    }
  }
  return new Map([...lists].map(([name, list]) => [name, sumOfValues(list)]));
}

describe("the value, divided", () => {
  it("by asset, exchange and wallet is exact, and without what does not count or has no price", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const groups = groupsOf(accounts, WORDS);
        const found = (kind: (typeof KINDS)[number]) => new Map(groups[kind].map((row) => [row.key, row.valueUsd]));
        expect(found("asset")).toEqual(expected(accounts, (_, { asset }) => asset));
        expect(found("exchange")).toEqual(expected(accounts, ({ exchange }) => exchange));
        expect(found("wallet")).toEqual(expected(accounts, (_, { wallet }) => wallet));
      }),
    );
  });

  it("is the same whole in each way, with shares that sum to 1", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const groups = groupsOf(accounts, WORDS);
        const whole = sumOfValues(accounts.flatMap(({ balances }) => balances));
        for (const kind of KINDS) {
          expect(sumOf(groups[kind].map((row) => row.valueUsd))).toBe(whole);
          const shares = groups[kind].reduce((sum, row) => sum + row.share, 0);
          expect(Math.abs(shares - (whole === "0" ? 0 : 1))).toBeLessThan(1e-9);
        }
      }),
    );
  });

  it("has the largest first, equal ones by name, whatever came first", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const groups = groupsOf(accounts, WORDS);
        const turned = accounts.map((each) => ({ ...each, balances: [...each.balances].reverse() })).reverse();
        expect(groupsOf(turned, WORDS)).toEqual(groups);
        for (const kind of KINDS) {
          groups[kind].slice(1).forEach((row, at) => {
            const before = groups[kind][at];
            const [one, other] = [units(before?.valueUsd ?? ""), units(row.valueUsd)];
            expect(one > other || (one === other && (before?.key ?? "") < row.key)).toBe(true);
          });
        }
      }),
    );
  });

  it("takes assets as they are called, and exchanges and wallets by their words", () => {
    const groups = groupsOf([account("binance", [balance("BTC", "1", worth("2"))])], WORDS);
    expect(groups).toEqual({
      asset: [{ key: "BTC", label: "BTC", valueUsd: "2", share: 1 }],
      exchange: [{ key: "binance", label: "the binance", valueUsd: "2", share: 1 }],
      wallet: [{ key: "spot", label: "in spot", valueUsd: "2", share: 1 }],
    });
  });

  it("holds every asset, whatever it is called", () => {
    const balances = ASSETS.map((name) => balance(name, "1", worth("1")));
    const keys = groupsOf([account("binance", balances)], WORDS).asset.map((row) => row.key);
    expect(keys).toEqual([...ASSETS].sort());
  });

  it("of nothing that counts and has a price is nothing", () => {
    const balances = [balance("ETH", "1"), balance("LDBTC", "1", { ...worth("5"), ...mirrored("funding", "BTC") })];
    expect(groupsOf([account("binance", balances)], WORDS)).toEqual({ asset: [], exchange: [], wallet: [] });
  });

  it("is what a real API says of exchanges, wallets and assets", () => {
    const groups = groupsOf(sample.accounts, WORDS);
    const pairs = (kind: (typeof KINDS)[number]) => groups[kind].map((row) => [row.key, row.valueUsd]).sort();
    const { byExchange, byWallet, byAsset } = sample.totals;
    expect(pairs("exchange")).toEqual(byExchange.map((row) => [row.name, row.totalUsdExact]).sort());
    expect(pairs("wallet")).toEqual(byWallet.map((row) => [row.name, row.totalUsdExact]).sort());
    const priced = byAsset.filter((row) => row.valueUsd !== null);
    expect(pairs("asset")).toEqual(priced.map((row) => [row.asset, row.valueUsd]).sort());
  });
});
