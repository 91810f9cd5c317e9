import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Explanation } from "../../src/model/document";
import { explainedIn, partsOf } from "../../src/model/explaining";
import { accountsIn, tabsOf } from "../../src/model/tabs";
import { totalOf } from "../../src/model/totals";
import { anyDocument } from "../arbitrary";
import { account, balance, document, NOON, sumOf, units, worth } from "../build";
import { sample } from "../sample";

const same = (a: string, b: string) => expect(units(a)).toBe(units(b));

describe("the parts of a tab's total", () => {
  it("add up to the very total of the tab", () => {
    fc.assert(
      fc.property(anyDocument, (one) => {
        for (const tab of tabsOf(one).filter(({ exchange }) => exchange !== null)) {
          const parts = partsOf(one, tab);
          expect(parts.exactUsd).toBe(totalOf(one, tab).exactUsd);
          same(sumOf(parts.byWallet.map(({ totalUsdExact }) => totalUsdExact)), parts.exactUsd ?? "0");
          if (accountsIn(one, tab).length > 1) {
            same(sumOf(parts.byAccount.map(({ totalUsdExact }) => totalUsdExact)), parts.exactUsd ?? "0");
          }
          for (const left of parts.unpriced) {
            expect(left.exchange).toBe(tab.exchange);
            expect(tab.account ?? left.account).toBe(left.account);
          }
        }
      }),
    );
  });

  it("leave out what is unpriced in another tab", () => {
    const unpriced = ["binance", "btcturk"].map((exchange) => ({
      exchange,
      account: "main",
      wallet: "spot",
      asset: "X",
      amount: "1",
    }));
    const one = document([account("binance", []), account("btcturk", [])], { totals: { unpriced } });
    const tabs = tabsOf(one);
    expect(tabs.map((tab) => partsOf(one, tab).unpriced.length)).toEqual([2, 1, 1]);
  });

  it("are the API's own for everything", () => {
    const [all] = tabsOf(sample);
    const { byExchange, byWallet, unpriced } = sample.totals;
    expect(all && partsOf(sample, all)).toMatchObject({ byExchange, byWallet, unpriced });
  });
});

describe("an explanation", () => {
  const at = (label: string, more: Parameters<typeof balance>[2], free = "0.1") => ({
    ...balance("BTC", free, more),
    exchange: "binance",
    account: label,
    status: "fresh" as const,
    asOf: NOON,
    ageSeconds: 0,
    version: "1-1",
  });
  const answer = {
    portfolio: "main",
    version: "1-1",
    updatedAt: NOON,
    asset: "BTC",
    exchange: "binance",
    balances: [
      at("main", worth("5")),
      at("savings", worth("0.1")),
      at("savings", worth("0.2"), "0.2"),
      at("savings", { wallet: "funding" }, "7"),
      at("savings", { ...worth("9"), counted: false }, "3"),
      at("empty", {}),
    ],
    prices: [],
    total: "7.5",
    valueUsdExact: "5.3",
    valueUsd: 5.3,
    unpriced: "7.1",
  } as unknown as Explanation;

  it("of one account sums that account exactly, and only what counts", () => {
    const one = explainedIn(answer, { account: "savings", wallet: null });
    expect(one).toMatchObject({ total: "7.3", valueUsdExact: "0.3", unpriced: "7" });
    expect(one.balances).toHaveLength(4);
  });

  it("of one wallet has nothing of the other wallets of its account, nor of the same wallet of another", () => {
    const one = explainedIn(answer, { account: "savings", wallet: "funding" });
    expect(one).toMatchObject({ total: "7", valueUsdExact: null, unpriced: "7" });
    expect(one.balances).toHaveLength(1);
    expect(explainedIn(answer, { account: "savings", wallet: "spot" })).toMatchObject({ total: "0.3", unpriced: "0" });
    expect(explainedIn(answer, { account: "main", wallet: "funding" }).balances).toHaveLength(0);
  });

  it("has no value where nothing has a price, and not 0", () => {
    expect(explainedIn(answer, { account: "empty", wallet: null })).toMatchObject({
      total: "0.1",
      valueUsdExact: null,
      valueUsd: null,
    });
  });

  it("of all accounts is the API's own", () => {
    expect(explainedIn(answer, { account: null, wallet: null })).toBe(answer);
  });
});
