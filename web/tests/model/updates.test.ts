import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Balance } from "../../src/model/document";
import { holdingsOf } from "../../src/model/holdings";
import { anyAccounts } from "../arbitrary";
import { account, balance, wallet, worth } from "../build";

describe("an update of holdings", () => {
  const CHANGES: { readonly [Name in keyof Omit<Balance, "asset">]: Balance[Name] } = {
    code: "XBT",
    wallet: "funding",
    free: "2",
    locked: "2",
    total: "2",
    priceUsd: "2",
    valueUsd: "2",
    value24hAgoUsd: "2",
    pricePath: ["BTC>USD"],
    priceStale: true,
    counted: false,
    mirrorOf: { wallet: "funding", asset: "BTC" },
  };
  const before = balance("BTC", "1", { ...worth("1", { value24hAgoUsd: "1" }), pricePath: ["BTC", "USD"] });
  const wallets = [wallet("spot"), wallet("funding")];

  it.each(Object.entries(CHANGES))("of %s makes a new object of the holding, and of no other", (name, changed) => {
    const other = balance("ETH", "1", worth("1"));
    const first = holdingsOf([account("binance", [before, other], { wallets })]);
    const after = { ...before, [name]: changed } as Balance;
    const second = holdingsOf([account("binance", [after, other], { wallets })], first);
    expect(second.get("BTC")).not.toBe(first.get("BTC"));
    expect(second.get("BTC")?.parts.map((part) => part.balance)).toEqual([after]);
    expect(second.get("ETH")).toBe(first.get("ETH"));
  });

  it.each([
    ["the exchange", () => account("btcturk", [before], { wallets })],
    ["the account", () => account("binance", [before], { wallets, account: "savings" })],
    ["the wallet's status", () => account("binance", [before], { wallets: [wallet("spot", { status: "stale" })] })],
    ["the number of parts", () => account("binance", [before, { ...before, wallet: "funding" }], { wallets })],
    ["the order of parts", () => account("binance", [{ ...before, wallet: "funding" }, before], { wallets })],
  ])("of %s makes a new object", (what, changed) => {
    const isOrder = what === "the order of parts";
    const balances = isOrder ? [before, { ...before, wallet: "funding" }] : [before];
    const first = holdingsOf([account("binance", balances, { wallets })]);
    expect(holdingsOf([changed()], first).get("BTC")).not.toBe(first.get("BTC"));
  });

  it("knows a path of two steps from one whose asset is called as both", () => {
    const first = holdingsOf([account("binance", [{ ...before, pricePath: ["A", "B"] }])]);
    const second = holdingsOf([account("binance", [{ ...before, pricePath: ["A>B"] }])], first);
    expect(second.get("BTC")?.path).toEqual(["A>B"]);
  });

  it("of nothing changes no object", () => {
    fc.assert(
      fc.property(anyAccounts, (accounts) => {
        const first = holdingsOf(accounts);
        const second = holdingsOf(structuredClone(accounts), first);
        expect([...second.keys()]).toEqual([...first.keys()]);
        for (const [name, holding] of second) {
          expect(holding).toBe(first.get(name));
        }
      }),
    );
  });

  it("gives what a first look would give", () => {
    fc.assert(
      fc.property(anyAccounts, anyAccounts, (old, current) => {
        expect(holdingsOf(current, holdingsOf(old))).toEqual(holdingsOf(current));
      }),
    );
  });
});
