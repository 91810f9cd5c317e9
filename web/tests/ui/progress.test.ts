import { describe, expect, it } from "vitest";
import type { PortfolioDocument } from "../../src/model/document";
import { EVERYTHING, progressOf, Refreshing, type Target, versionsOf } from "../../src/ui/refresh";
import { account, balance, document, source, wallet } from "../build";

const BINANCE: Target = { exchange: "binance", account: "main" };

describe("the progress of a refresh", () => {
  const two = ["spot", "funding"];
  const walletsOf = (names: readonly string[]): PortfolioDocument["sources"][number]["wallets"] =>
    names.map((name) => ({ wallet: name, health: "ok", pollIntervalSeconds: 10, lastSuccessAt: null, error: null }));

  /** Binance with two wallets and BTCTurk with one, at these versions; an exchange without keys besides. */
  function at(spot: string | null, funding: string | null, btcturk: string | null): PortfolioDocument {
    const wallets = [
      ...(spot === null ? [] : [wallet("spot", { version: spot })]),
      ...(funding === null ? [] : [wallet("funding", { version: funding })]),
    ];
    const accounts = [
      ...(wallets.length === 0 ? [] : [account("binance", [balance("BTC", "1")], { wallets })]),
      ...(btcturk === null ? [] : [account("btcturk", [], { wallets: [wallet("spot", { version: btcturk })] })]),
    ];
    const sources = [
      source("binance", { wallets: walletsOf(two) }),
      source("btcturk"),
      source("kraken", { state: "unconfigured", wallets: [] }),
    ];
    return document(accounts, { sources });
  }

  function runningFrom(start: PortfolioDocument | null, target: Target = EVERYTHING) {
    // Nobody answers: it runs for as long as the test looks.
    const subject = new Refreshing({ refresh: () => new Promise(() => {}) }, null, () => start);
    void subject.begin(target);
    return subject.getSnapshot();
  }

  it("counts an account once all its wallets have been read since", () => {
    const state = runningFrom(at("1-1", "1-1", "1-1"));
    const steps = [at("1-1", "1-1", "1-1"), at("1-2", "1-1", "1-1"), at("1-2", "1-2", "1-1"), at("1-2", "1-2", "1-2")];
    expect(steps.map((step) => progressOf(state, step))).toEqual([
      { done: 0, all: 2 },
      { done: 0, all: 2 },
      { done: 1, all: 2 },
      { done: 2, all: 2 },
    ]);
  });

  it("counts what is read for the first time, and nothing that is not there", () => {
    const state = runningFrom(at(null, null, null));
    expect(progressOf(state, at("1-1", null, null))).toEqual({ done: 0, all: 2 });
    expect(progressOf(state, at("1-1", "1-1", "1-1"))).toEqual({ done: 2, all: 2 });
    expect(progressOf(runningFrom(null), at("1-1", "1-1", null))).toEqual({ done: 1, all: 2 });
    expect(progressOf(runningFrom(at("1-1", "1-1", "1-1")), at(null, null, null))).toEqual({ done: 0, all: 2 });
  });

  it("is of the exchange or the account in question alone", () => {
    const start = at("1-1", "1-1", "1-1");
    const after = at("1-2", "1-2", "1-1");
    expect(progressOf(runningFrom(start, BINANCE), after)).toEqual({ done: 1, all: 1 });
    expect(progressOf(runningFrom(start, { exchange: "btcturk", account: null }), after)).toEqual({ done: 0, all: 1 });
    expect(progressOf(runningFrom(start, { exchange: "binance", account: "savings" }), after)).toEqual({
      done: 0,
      all: 0,
    });
  });

  it("never counts a source that has told of no wallet", () => {
    const start = document([], { sources: [source("binance", { wallets: [] })] });
    expect(progressOf(runningFrom(start), start)).toEqual({ done: 0, all: 1 });
  });

  it("goes by the versions of every wallet of every account", () => {
    expect(versionsOf(null)).toEqual(new Map());
    expect(versionsOf(at("1-1", "1-2", "1-3"))).toEqual(
      new Map([
        ["binance/main/spot", "1-1"],
        ["binance/main/funding", "1-2"],
        ["btcturk/main/spot", "1-3"],
      ]),
    );
  });
});
