import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PortfolioDocument } from "../../src/model/document";
import { ALL, accountsIn, chosenIn, isIn, severalIn, type Tab, tabsOf } from "../../src/model/tabs";
import { anyDocument } from "../arbitrary";
import { account, balance, document, source, worth } from "../build";

const idsOf = (of: PortfolioDocument | null): string[] => tabsOf(of).map(({ id }) => id);

describe("the exchanges with several accounts", () => {
  it("are those of which a name alone does not say which account is meant, read or not", () => {
    expect(severalIn(null)).toEqual([]);
    const accounts = [account("btcturk", []), account("binance", [])];
    expect(severalIn(document(accounts))).toEqual([]);
    const sources = [source("btcturk", { account: "savings" }), source("binance")];
    expect(severalIn(document(accounts, { sources }))).toEqual(["btcturk"]);
  });

  it("are those that have a tab for each account", () => {
    fc.assert(
      fc.property(anyDocument, (of) => {
        const split = tabsOf(of).flatMap(({ exchange, account: label }) => (label === null ? [] : [exchange]));
        expect(severalIn(of)).toEqual([...new Set(split)].sort());
      }),
    );
  });
});

describe("the tabs", () => {
  it("are everything alone before anything is known", () => {
    expect(tabsOf(null)).toEqual([{ id: ALL, exchange: null, account: null }]);
  });

  it("are everything, each exchange, and each account where an exchange has several", () => {
    const accounts = [account("btcturk", []), account("binance", []), account("binance", [], { account: "savings" })];
    expect(tabsOf(document(accounts))).toEqual([
      { id: "all", exchange: null, account: null },
      { id: "binance", exchange: "binance", account: null },
      { id: "binance/main", exchange: "binance", account: "main" },
      { id: "binance/savings", exchange: "binance", account: "savings" },
      { id: "btcturk", exchange: "btcturk", account: null },
    ]);
  });

  it("are there for a source that was never read", () => {
    expect(idsOf(document([account("binance", [])], { sources: [source("btcturk")] }))).toEqual([
      "all",
      "binance",
      "btcturk",
    ]);
  });

  it("stay where they are, whatever is worth more or comes first", () => {
    fc.assert(
      fc.property(anyDocument, fc.infiniteStream(fc.nat()), (one, numbers) => {
        const valued = document(
          one.accounts.map((each) =>
            account(each.exchange, [balance("BTC", "1", worth(String(numbers.next().value)))]),
          ),
        );
        expect(idsOf({ ...one, totals: valued.totals })).toEqual(idsOf(one));
        const turned = { ...one, accounts: [...one.accounts].reverse(), sources: [...one.sources].reverse() };
        expect(tabsOf(turned)).toEqual(tabsOf(one));
      }),
    );
  });

  it("have each account in exactly one tab of an exchange, and in that of everything", () => {
    fc.assert(
      fc.property(anyDocument, (one) => {
        const tabs = tabsOf(one);
        const places = one.accounts.length;
        expect(accountsIn(one, tabs[0] as Tab)).toEqual(one.accounts);
        const inTabs = (some: readonly Tab[]) => some.flatMap((tab) => accountsIn(one, tab));
        expect(inTabs(tabs.filter((tab) => tab.exchange !== null && tab.account === null))).toHaveLength(places);
        for (const tab of tabs) {
          for (const each of accountsIn(one, tab)) {
            expect(isIn(tab, each)).toBe(true);
            expect(tab.exchange ?? each.exchange).toBe(each.exchange);
            expect(tab.account ?? each.account).toBe(each.account);
          }
        }
      }),
    );
  });
});

describe("the chosen tab", () => {
  it("is everything once its accounts are gone", () => {
    const tabs = tabsOf(document([account("binance", [])]));
    expect(chosenIn(tabs, "binance").id).toBe("binance");
    expect(chosenIn(tabs, "btcturk").id).toBe(ALL);
  });
});
