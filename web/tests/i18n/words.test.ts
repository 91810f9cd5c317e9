import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/live/limits";
import { ALL_COLUMNS, SHOWN_COLUMNS } from "../../src/model/exporting";
import { enumOf } from "../openapi";
import { sample } from "../sample";
import { messagesOf } from "./catalogue";

const CATALOGUE = messagesOf("en");

/** The words that have a message whose key begins so: what is left of their keys. */
function wordsAt(prefix: string): string[] {
  return [...CATALOGUE.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort();

// Both catalogues have the same keys, and no empty text: what English has a word for, Turkish has as well.
describe("what the API may say", () => {
  it.each([
    ["why a read failed", "cause.", enumOf("ErrorDetail", "reason")],
    ["what to do about it", "causeDo.", enumOf("ErrorDetail", "reason")],
    ["the state of a source", "sources.state_", enumOf("SourceBody", "state")],
    ["the health of a wallet", "sources.health_", enumOf("SourceWalletBody", "health")],
    ["the freshness of an account", "status.", enumOf("AccountBody", "status")],
    ["the freshness of a wallet", "status.", enumOf("WalletBody", "status")],
  ])("of %s has a word for all of it, and no word is left over", (_, prefix, words) => {
    expect(sorted(wordsAt(prefix))).toEqual(sorted(words));
  });

  it("of a source has something to do for each state, and for each excuse", () => {
    const toMend = enumOf("SourceBody", "state").filter((state) => state !== "live");
    const excuses = ["bus_loading", "bus_degraded", "bus_failed", "bus_back"];
    expect(sorted(wordsAt("sources.do_"))).toEqual(sorted([...toMend, ...excuses]));
  });

  it("of a key has a word for each state, and for its addresses", () => {
    const words = [...enumOf("PermissionsBody", "state"), "ip", "noip"];
    expect(sorted(wordsAt("sources.key_"))).toEqual(sorted(words));
  });

  it("of what a total lacks has a sentence for each kind, and one for those that are new", () => {
    expect(sorted(wordsAt("reason."))).toEqual(sorted([...enumOf("ReasonBody", "kind"), "bus_away", "other"]));
  });

  it("of a bus that is away is said as a sentence", () => {
    const away = enumOf("BusBody", "state").filter((state) => state !== "live" && state !== "loading");
    expect(wordsAt("bus.")).toEqual(expect.arrayContaining(away));
  });

  it("of a step of a price is said as a sentence", () => {
    expect(wordsAt("explain.")).toEqual(expect.arrayContaining(enumOf("ExplainedLeg", "kind")));
  });

  it("of wallets has a name for each that a demo has", () => {
    const wallets = sample.accounts.flatMap((account) => account.wallets.map(({ wallet }) => wallet));
    expect(wordsAt("wallet.")).toEqual(expect.arrayContaining(wallets));
  });
});

describe("the columns of an export", () => {
  it("have a head each, and there is none for another", () => {
    expect(sorted(wordsAt("export.column_"))).toEqual(sorted([...SHOWN_COLUMNS, ...ALL_COLUMNS]));
  });
});

describe("the marks of a row", () => {
  it.each(["suspicious", "stale", "priceStale", "unpriced", "mirror"])("have a word and a meaning: %s", (mark) => {
    expect(wordsAt("table.")).toEqual(expect.arrayContaining([mark, `${mark}Hint`]));
  });
});

describe("what is said of the poll", () => {
  it("is as often as it asks", () => {
    const seconds = String(LIMITS.pollMs / 1_000);
    expect(CATALOGUE.get("connection.polling")).toContain(seconds);
    expect(CATALOGUE.get("connection.pollingHint")).toContain(seconds);
    expect(CATALOGUE.get("connection.announcePolling")).toContain(seconds);
  });
});
