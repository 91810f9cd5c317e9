import { describe, expect, it } from "vitest";
import type { PortfolioDocument, Source, SourceState } from "../../src/model/document";
import { type Excuse, excuseOf, lastReadOf, situationOf, toneOf } from "../../src/model/sources";
import { account, balance, document, NOON, source, wallet, worth } from "../build";
import { enumOf } from "../openapi";

const STATES = enumOf("SourceBody", "state") as SourceState[];
const BUS_STATES = enumOf("BusBody", "state") as PortfolioDocument["bus"]["state"][];

/** A source that has a state and never read a wallet. */
function unread(exchange: string, state: Source["state"], more: Partial<Source> = {}): Source {
  return source(exchange, { state, lastSuccessAt: null, wallets: [], ...more });
}

/** What both exchanges are, and nothing was ever read. */
function bothAre(state: Source["state"], more: Partial<Source> = {}): PortfolioDocument {
  return document([], { sources: [unread("binance", state, more), unread("btcturk", state, more)] });
}

function reason(kind: PortfolioDocument["totals"]["reasons"][number]["kind"]) {
  return { kind, exchange: null, account: null, wallet: null, asset: null };
}

const { wallets } = source("binance");
const AWAY = { state: "degraded", since: "2026-11-23T12:00:00Z", reason: "Kafka does not answer" } as const;

describe("the tone of a source", () => {
  it("is good where it lives, bad where somebody must act, and calm where it waits or is not set up", () => {
    const tones = STATES.map((state) => [state, toneOf(source("binance", { state }), undefined)]);
    expect(Object.fromEntries(tones)).toEqual({
      live: "good",
      starting: "wait",
      rate_limited: "wait",
      unavailable: "bad",
      refused: "bad",
      unreadable: "bad",
      silent: "bad",
      unconfigured: "off",
    });
  });

  it.each(["asleep", "", "constructor", "__proto__", "toString"])("of an unknown state, %j, is bad", (state) => {
    expect(toneOf(source("binance", { state: state as SourceState }), undefined)).toBe("bad");
  });
});

describe("the last read of a source", () => {
  const LATER = "2026-11-23T12:00:11.5Z";

  it("is the newest of its report and of what its wallets brought since", () => {
    const wallets = [wallet("spot", { asOf: LATER }), wallet("funding", { asOf: "2026-11-23T12:00:02Z" })];
    expect(lastReadOf(source("binance"), account("binance", [], { wallets }))).toBe(LATER);
    expect(lastReadOf(source("binance", { lastSuccessAt: LATER }), account("binance", []))).toBe(LATER);
    const [spot] = source("binance").wallets;
    const reported = spot === undefined ? [] : [{ ...spot, lastSuccessAt: LATER }];
    expect(lastReadOf(source("binance", { wallets: reported }), undefined)).toBe(LATER);
  });

  it("is by the moment and not by the letters, and passes over what is no moment", () => {
    const wallets = [wallet("spot", { asOf: "2026-11-23T12:00:00.5Z" }), wallet("funding", { asOf: "soon" })];
    expect(
      lastReadOf(source("binance", { lastSuccessAt: "2026-11-23T12:00:00Z" }), account("b", [], { wallets })),
    ).toBe("2026-11-23T12:00:00.5Z");
  });

  it("is none where nothing was ever read", () => {
    expect(lastReadOf(unread("binance", "starting"), undefined)).toBeNull();
    expect(lastReadOf(source("binance"), undefined)).toBe(NOON);
  });
});

describe("the excuse of a source", () => {
  it("is what the api says too, for every state of the bus and of the source", () => {
    const found: Record<string, Excuse> = {};
    for (const state of BUS_STATES) {
      for (const why of [null, "why"]) {
        for (const standing of STATES) {
          const excuse = excuseOf({ state, since: null, reason: why }, source("binance", { state: standing }));
          if (excuse !== null) {
            found[`${state}, ${why}, ${standing}`] = excuse;
          }
        }
      }
    }
    expect(found).toEqual({
      "loading, null, starting": "bus_loading",
      "loading, why, starting": "bus_loading",
      "live, why, silent": "bus_back",
      "degraded, null, starting": "bus_degraded",
      "degraded, null, silent": "bus_degraded",
      "degraded, why, starting": "bus_degraded",
      "degraded, why, silent": "bus_degraded",
      "failed, null, starting": "bus_failed",
      "failed, null, silent": "bus_failed",
      "failed, why, starting": "bus_failed",
      "failed, why, silent": "bus_failed",
    });
  });
});

describe("the situation", () => {
  it("without keys is the first run, at once", () => {
    const nothing = document([], { ...bothAre("unconfigured"), totals: { reasons: [reason("no_account")] } });
    expect(situationOf(nothing, false)).toBe("first_run");
  });

  it("without a word from any collector is the first run once there was time for one", () => {
    for (const nothing of [bothAre("starting"), document([], { sources: [] })]) {
      expect(situationOf(nothing, false)).toBe("loading");
      expect(situationOf(nothing, true)).toBe("first_run");
    }
  });

  it("is never the first run while the state is still read, or the bus is away", () => {
    const bus = { state: "loading", since: null, reason: null } as const;
    const reading = [
      document([], { ...bothAre("starting"), bus }),
      document([], { ...bothAre("starting"), bus: AWAY }),
      document([], { ...bothAre("unconfigured"), bus: AWAY }),
      document([], { ...bothAre("starting"), totals: { reasons: [reason("loading")] } }),
    ];
    for (const one of reading) {
      const isAway = one.bus.state === "degraded" || one.bus.state === "failed";
      expect(situationOf(one, true)).toBe(isAway ? "bus_away" : "loading");
    }
  });

  it("is loading while collectors with keys read for the first time", () => {
    expect(situationOf(bothAre("starting", { wallets }), true)).toBe("loading");
    const half = document([], {
      sources: [unread("binance", "unavailable"), unread("btcturk", "starting", { wallets })],
    });
    expect(situationOf(half, true)).toBe("loading");
  });

  it("is loading where the only source with keys has read, and its account is on its way", () => {
    const one = document([], { sources: [source("binance"), unread("btcturk", "unconfigured")] });
    expect(situationOf(one, true)).toBe("loading");
  });

  it.each(["unavailable", "rate_limited", "refused", "unreadable", "silent"] as const)(
    "is that all failed where all are %s from the start; who has no keys is not asked",
    (state) => {
      expect(situationOf(bothAre(state, { wallets }), false)).toBe("all_failed");
      const one = document([], { sources: [unread("binance", state), unread("btcturk", "unconfigured")] });
      expect(situationOf(one, false)).toBe("all_failed");
    },
  );

  it.each(STATES)("is normal once an account was read, also where all sources are %s", (state) => {
    const read = [account("binance", [balance("BTC", "1", worth("1"))])];
    const sources = [unread("binance", state), unread("btcturk", state)];
    expect(situationOf(document(read, { sources, bus: AWAY }), true)).toBe("normal");
    expect(situationOf(document([account("binance", [])], { sources }), false)).toBe("normal");
  });
});
