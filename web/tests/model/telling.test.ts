import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PortfolioDocument, Source } from "../../src/model/document";
import { GOOD_MS, Telling, TOLD_MS } from "../../src/model/telling";
import { document, NOON, source } from "../build";

type Reason = NonNullable<Source["error"]>["reason"];

/** A document in which BTCTurk fails for a cause, or is well. */
function saying(reason: Reason, more: Partial<Source> = {}): PortfolioDocument {
  const error = { kind: "unavailable", reason, message: "", mend: "", at: NOON, retryAt: null } as const;
  const failing: Partial<Source> = reason === null ? {} : { state: "unavailable", error };
  return document([], { sources: [source("binance"), source("btcturk", { ...failing, ...more })] });
}

const WELL = saying(null);
const DOWN = saying("trouble");

/** Lets time pass, and collects what is heard and shown. */
class Listener {
  readonly telling = new Telling();
  readonly heard: string[] = [];
  readonly heardAt: number[] = [];
  now = 0;
  shown = 0;
  #document = WELL;
  #nextAt: number | null = null;

  is(of: PortfolioDocument): this {
    this.#document = of;
    this.#look();
    return this;
  }

  /** As the page does: looks again when it is time, though no document comes. */
  after(ms: number): this {
    const end = this.now + ms;
    while (this.#nextAt !== null && this.#nextAt <= end) {
      this.now = this.#nextAt;
      this.#look();
    }
    this.now = end;
    return this;
  }

  #look(): void {
    const { failing, recovered, shown, nextMs } = this.telling.step(this.#document, this.now);
    this.heard.push(...failing.map(({ source: { error } }) => `fails: ${error?.reason}`));
    this.heard.push(...recovered.map(({ source: { exchange } }) => `read again: ${exchange}`));
    this.heardAt.push(...[...failing, ...recovered].map(() => this.now));
    this.shown = shown.length;
    expect(nextMs ?? 1, "a look that is due now would be due for ever").toBeGreaterThan(0);
    this.#nextAt = nextMs === null ? null : this.now + nextMs;
  }
}

describe("a source that flaps", () => {
  it("is told once, and its strip stays", () => {
    const listener = new Listener().is(WELL);
    for (let turn = 0; turn < 200; turn += 1) {
      listener.is(DOWN).after(4_000);
      expect(listener.shown).toBe(1);
      listener.is(WELL).after(4_000);
      expect(listener.shown).toBe(1);
    }
    expect(listener.heard).toEqual(["fails: trouble"]);
  });

  it("is told to be read again once it was well for a while, and then its strip goes", () => {
    const listener = new Listener()
      .is(WELL)
      .is(DOWN)
      .after(1_000)
      .is(WELL)
      .after(GOOD_MS - 1);
    expect([listener.shown, listener.heard]).toEqual([1, ["fails: trouble"]]);
    listener.after(1);
    expect([listener.shown, listener.heard]).toEqual([0, ["fails: trouble", "read again: btcturk"]]);
    expect(listener.after(TOLD_MS).is(WELL).heard).toHaveLength(2);
  });

  it("is told neither again nor to be read again, when it comes back within the time it is remembered", () => {
    const listener = new Listener().is(WELL).is(DOWN).is(WELL).after(GOOD_MS).is(DOWN).is(WELL).after(GOOD_MS);
    expect(listener.heard).toEqual(["fails: trouble", "read again: btcturk"]);
  });

  it("is told after that time, where it came back unheard and stays: nobody believes for ever that it is read", () => {
    const listener = new Listener()
      .is(WELL)
      .is(DOWN)
      .is(WELL)
      .after(GOOD_MS)
      .is(DOWN)
      .after(TOLD_MS - GOOD_MS - 1);
    expect(listener.heard).toEqual(["fails: trouble", "read again: btcturk"]);
    expect(listener.after(1).heard.at(-1)).toBe("fails: trouble");
    expect(listener.after(10 * TOLD_MS).heard).toHaveLength(3);
  });

  it("is told again when it comes back long after", () => {
    const listener = new Listener().is(WELL).is(DOWN).is(WELL).after(TOLD_MS).is(DOWN);
    expect(listener.heard).toEqual(["fails: trouble", "read again: btcturk", "fails: trouble"]);
  });
});

describe("a source that fails", () => {
  it("is not told once more for as long as it does", () => {
    expect(new Listener().is(WELL).is(DOWN).after(TOLD_MS).is(saying("trouble")).after(TOLD_MS).heard).toHaveLength(1);
  });

  it("is told anew for another cause, of which alone the strip speaks", () => {
    const listener = new Listener().is(WELL).is(DOWN).is(saying("key"));
    expect([listener.shown, listener.heard]).toEqual([1, ["fails: trouble", "fails: key"]]);
  });

  it("when the page is opened stands in it and is not told, only that it is read again", () => {
    const listener = new Listener().is(DOWN);
    expect([listener.shown, listener.heard]).toEqual([1, []]);
    expect(listener.is(WELL).after(GOOD_MS).heard).toEqual(["read again: btcturk"]);
  });

  it("is not said to be read again while it starts or is told to wait, though its strip goes", () => {
    const listener = new Listener()
      .is(WELL)
      .is(DOWN)
      .is(saying(null, { state: "starting" }))
      .after(10 * GOOD_MS);
    expect([listener.shown, listener.heard]).toEqual([0, ["fails: trouble"]]);
    expect(listener.is(WELL).after(GOOD_MS).heard.at(-1)).toBe("read again: btcturk");
  });

  it("loses its strip at once when it is the bus that fails, or when it is gone", () => {
    const bus = { state: "degraded", since: NOON, reason: "Kafka" } as const;
    const away = { ...saying(null, { state: "silent" }), bus };
    expect(new Listener().is(DOWN).is(away).shown).toBe(0);
    expect(new Listener().is(DOWN).is(document([], { sources: [source("binance")] })).shown).toBe(0);
  });

  it("is not well for the time of which nothing is known", () => {
    const listener = new Listener().is(DOWN).is(WELL);
    listener.telling.pause();
    listener.now += GOOD_MS;
    expect([listener.is(WELL).shown, listener.heard]).toEqual([1, []]);
  });
});

describe("whatever happens", () => {
  it("the same failure is never told twice within five minutes, and each recovery follows a failure", () => {
    const event = fc.record({ is: fc.constantFrom(WELL, DOWN, saying("key")), ms: fc.nat({ max: 2 * GOOD_MS }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const listener = new Listener().is(WELL);
        for (const { is, ms } of events) {
          listener.is(is).after(ms);
          expect(listener.shown).toBe(is === WELL ? listener.shown : 1);
        }
        const told = new Map<string, number>();
        listener.heard.forEach((said, at) => {
          const now = listener.heardAt[at] ?? Number.NaN;
          if (said.startsWith("fails")) {
            expect(now - (told.get(said) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(TOLD_MS);
            told.set(said, now);
          }
        });
        listener.heard.forEach((said, at) => {
          if (said.startsWith("read again")) {
            expect(listener.heard[at - 1]).toMatch(/^fails/);
          }
        });
      }),
    );
  });
});
