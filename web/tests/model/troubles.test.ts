import { describe, expect, it } from "vitest";
import type { Source } from "../../src/model/document";
import { toneOf } from "../../src/model/sources";
import { isFailing, partsOf } from "../../src/model/troubles";
import { account, document, NOON, source, wallet } from "../build";

type Detail = NonNullable<Source["error"]>;

function error(more: Partial<Detail> = {}): Detail {
  return { kind: "unavailable", reason: "trouble", message: "503", mend: "", at: NOON, retryAt: null, ...more };
}

function read(name: string, failed: Detail | null): Source["wallets"][number] {
  const health = failed === null ? "ok" : "failed";
  return { wallet: name, health, pollIntervalSeconds: 10, lastSuccessAt: NOON, error: failed };
}

function failing(...wallets: Source["wallets"]): Source {
  return source("binance", { state: "unavailable", error: error(), wallets });
}

describe("the parts of a source that fails", () => {
  it("are the wallets that fail, where others are read well", () => {
    const one = failing(read("spot", null), read("earn-flexible", error()), read("earn-locked", error()));
    expect(partsOf(one).map(({ wallets }) => wallets)).toEqual([["earn-flexible", "earn-locked"]]);
  });

  it("are as many as there are causes, each with its own error", () => {
    const other = error({ reason: "format" });
    const parts = partsOf(failing(read("spot", null), read("funding", other), read("earn-locked", error())));
    expect(parts.map(({ wallets, source: { error: why } }) => [wallets, why?.reason])).toEqual([
      [["funding"], "format"],
      [["earn-locked"], "trouble"],
    ]);
  });

  it("are the whole, where no wallet is read well or none says that it failed", () => {
    expect(partsOf(failing(read("spot", error()), read("funding", error())))[0]?.wallets).toEqual([]);
    expect(partsOf(failing(read("spot", null)))[0]?.wallets).toEqual([]);
  });

  it.each(["rate_limited", "silent"] as const)("are the whole, where the source is %s", (state) => {
    const one = { ...failing(read("spot", null), read("funding", error())), state };
    expect(partsOf(one)).toEqual([{ source: one, wallets: [] }]);
  });
});

describe("a source that is told to wait", () => {
  const limited = (more: Partial<Detail>): Source =>
    source("binance", { state: "rate_limited", error: error({ kind: "rate_limited", reason: "limit", ...more }) });
  const fresh = account("binance", [], {
    wallets: [wallet("spot"), wallet("funding", { staleAt: "2026-11-23T12:02:00Z" })],
  });

  it.each([
    ["a short limit", { retryAt: "2026-11-23T12:00:59Z" }, "wait"],
    ["one that ends as the first wallet becomes stale", { retryAt: "2026-11-23T12:01:00Z" }, "wait"],
    ["one that ends after that", { retryAt: "2026-11-23T12:01:01Z" }, "bad"],
    ["one of unknown length", { retryAt: null }, "wait"],
    ["a ban, however short", { reason: "banned", retryAt: "2026-11-23T12:00:01Z" }, "bad"],
    ["a ban of unknown length", { reason: "banned", retryAt: null }, "bad"],
  ] as const)("%s", (_, more, tone) => {
    expect(toneOf(limited(more), fresh)).toBe(tone);
    const sources = [limited(more)];
    expect(isFailing(document([fresh], { sources }), limited(more))).toBe(tone === "bad");
  });

  it("before its first read is patient for a minute", () => {
    expect(toneOf(limited({ retryAt: "2026-11-23T12:01:00Z" }), undefined)).toBe("wait");
    expect(toneOf(limited({ retryAt: "2026-11-23T12:01:01Z" }), undefined)).toBe("bad");
  });
});
