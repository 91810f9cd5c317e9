import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALL, type Tab, tabsOf } from "../../src/model/tabs";
import { totalOf } from "../../src/model/totals";
import { anyDocument } from "../arbitrary";
import { account, balance, document, mirrored, source, sumOf, worth } from "../build";
import { sample } from "../sample";

const EVERYTHING: Tab = { id: ALL, exchange: null, account: null };
const BINANCE: Tab = { id: "binance", exchange: "binance", account: null };

describe("the total of a tab", () => {
  it("is what the API says of its exchange, to the last digit", () => {
    fc.assert(
      fc.property(anyDocument, (one) => {
        for (const { name, totalUsdExact } of one.totals.byExchange) {
          expect(totalOf(one, { id: name, exchange: name, account: null }).exactUsd).toBe(totalUsdExact);
        }
        expect(totalOf(one, EVERYTHING).exactUsd).toBe(one.totals.totalUsdExact);
      }),
    );
  });

  it("of the accounts of an exchange is together that of the exchange", () => {
    fc.assert(
      fc.property(anyDocument, (one) => {
        const tabs = tabsOf(one).filter((tab) => tab.exchange === "binance");
        const known = (some: readonly Tab[]) => some.map((tab) => totalOf(one, tab).exactUsd).filter((x) => x !== null);
        const accounts = tabs.filter((tab) => tab.account !== null);
        expect(sumOf(known(accounts))).toBe(sumOf(known(tabs.filter((tab) => tab.account === null))));
      }),
    );
  });

  it("is unknown where nothing was ever read, and 0 where what was read is empty", () => {
    expect(totalOf(document([], { sources: [source("binance")] }), BINANCE)).toEqual({ exactUsd: null, change: null });
    expect(totalOf(document([]), EVERYTHING)).toEqual({ exactUsd: null, change: null });
    expect(totalOf(document([account("binance", [])]), BINANCE)).toEqual({ exactUsd: "0", change: null });
  });

  it("of everything is the server's own, with its change", () => {
    const change24h = { usd: "-1.5", percent: "-0.25", complete: false };
    const one = document([account("binance", [])], { totals: { totalUsdExact: "12.3", change24h } });
    expect(totalOf(one, EVERYTHING)).toEqual({
      exactUsd: "12.3",
      change: { usd: "-1.5", percent: -0.25, complete: false },
    });
    const unknown = document([], { totals: { change24h: { ...change24h, percent: null } } });
    expect(totalOf(unknown, EVERYTHING).change?.percent).toBeNull();
  });
});

describe("the change of a tab", () => {
  const grown = balance("BTC", "1", worth("150.000000000000000001", { value24hAgoUsd: "100" }));
  const changeOf = (balances: Parameters<typeof account>[1]) =>
    totalOf(document([account("binance", balances)]), BINANCE).change;

  it("is exact, and complete where everything that counts has both prices", () => {
    expect(changeOf([grown])).toEqual({ usd: "50.000000000000000001", percent: 50, complete: true });
    const mirror = balance("LDBTC", "1", { ...worth("7"), ...mirrored("funding", "BTC") });
    expect(changeOf([grown, mirror, balance("ETH", "0")])).toEqual(changeOf([grown]));
  });

  it("leaves out what lacks one of them, and says so", () => {
    const incomplete = { usd: "50.000000000000000001", percent: 50, complete: false };
    expect(changeOf([grown, balance("ETH", "1", worth("1000"))])).toEqual(incomplete);
    expect(changeOf([grown, balance("ETH", "1")])).toEqual(incomplete);
  });

  it("is unknown where nothing has both, and not 0", () => {
    expect(changeOf([balance("ETH", "1", worth("1000"))])).toBeNull();
    expect(changeOf([])).toBeNull();
  });

  it("from nothing has an amount and no percentage", () => {
    const fromNothing = balance("BTC", "1", worth("5", { value24hAgoUsd: "0" }));
    expect(changeOf([fromNothing])).toEqual({ usd: "5", percent: null, complete: true });
  });
});

describe("a real answer of the API", () => {
  it("has the same totals by exchange as the tabs", () => {
    expect(sample.totals.byExchange.length).toBeGreaterThan(1);
    for (const { name, totalUsdExact } of sample.totals.byExchange) {
      expect(totalOf(sample, { id: name, exchange: name, account: null }).exactUsd).toBe(totalUsdExact);
    }
  });

  it("has the same change of everything as its exchanges together", () => {
    const tabs = sample.totals.byExchange.map(({ name }): Tab => ({ id: name, exchange: name, account: null }));
    const changes = tabs.map((tab) => totalOf(sample, tab).change);
    expect(sumOf(changes.map((change) => change?.usd ?? "0"))).toBe(sample.totals.change24h?.usd);
    expect(changes.every((change) => change?.complete)).toBe(sample.totals.change24h?.complete);
  });
});
