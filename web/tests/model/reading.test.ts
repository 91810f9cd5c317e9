import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Reason } from "../../src/model/document";
import { partialOf, readingOf } from "../../src/model/reading";
import { ALL, type Tab, tabsOf } from "../../src/model/tabs";
import { anyDocument } from "../arbitrary";
import { account, document, source } from "../build";

const EVERYTHING: Tab = { id: ALL, exchange: null, account: null };
const tabOf = (exchange: string, label: string | null = null): Tab => ({
  id: label === null ? exchange : `${exchange}/${label}`,
  exchange,
  account: label,
});
const reason = (kind: Reason["kind"], exchange: string | null, label: string | null = null): Reason => ({
  kind,
  exchange,
  account: label,
  wallet: null,
  asset: null,
});

describe("how far a tab was read", () => {
  const sources = [source("binance"), source("btcturk")];

  it("is not at all where it has no account, and not set up where no source of it is", () => {
    const one = document([account("binance", [])], { sources });
    expect(readingOf(one, tabOf("btcturk"))).toBe("unread");
    const off = document([account("binance", [])], {
      sources: [source("binance"), source("btcturk", { state: "unconfigured" })],
    });
    expect(readingOf(off, tabOf("btcturk"))).toBe("unconfigured");
    expect(readingOf(document([]), EVERYTHING)).toBe("unread");
  });

  it("is in part where an account or a wallet was never read", () => {
    expect(readingOf(document([account("binance", [])], { sources }), EVERYTHING)).toBe("partly");
    const wallet = document([account("binance", [])], {
      totals: { reasons: [reason("wallet_never_read", "binance")] },
    });
    expect(readingOf(wallet, tabOf("binance"))).toBe("partly");
  });

  it("is whole where every account was read, whatever another exchange lacks", () => {
    const one = document([account("binance", [])], { sources, totals: { reasons: [reason("never_read", "btcturk")] } });
    expect(readingOf(one, tabOf("binance"))).toBe("read");
    expect(readingOf(document([account("binance", [])]), EVERYTHING)).toBe("read");
  });
});

describe("what the total of a tab lacks", () => {
  const reasons = [
    reason("never_read", "btcturk"),
    reason("unpriced", "binance", "main"),
    reason("wallet_stale", "binance"),
  ];
  const partial = (tab: Tab, some = reasons) =>
    partialOf(document([], { totals: { partial: true, reasons: some } }), tab);

  it("is of the tab alone; what names no account is of all of its exchange", () => {
    expect(partial(tabOf("binance")).reasons).toEqual([reasons[1], reasons[2]]);
    expect(partial(tabOf("binance", "savings")).reasons).toEqual([reasons[2]]);
    expect(partial(tabOf("kraken"))).toEqual({ isPartial: false, reasons: [] });
    expect(partial(EVERYTHING).reasons).toEqual(reasons);
  });

  it("is of every tab where it names no exchange", () => {
    const loading = [reason("loading", null)];
    expect(partial(tabOf("binance", "savings"), loading)).toEqual({ isPartial: true, reasons: loading });
  });

  it("is what the API says for everything, with reasons or without", () => {
    expect(partial(EVERYTHING, []).isPartial).toBe(true);
    fc.assert(
      fc.property(anyDocument, (one) => {
        expect(partialOf(one, EVERYTHING)).toEqual({ isPartial: one.totals.partial, reasons: one.totals.reasons });
        for (const tab of tabsOf(one)) {
          expect(one.totals.reasons).toEqual(expect.arrayContaining([...partialOf(one, tab).reasons]));
        }
      }),
    );
  });
});
