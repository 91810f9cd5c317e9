/** What is said of troubles as they come and go: a source that flaps must not talk all day, nor move the page. */

import type { PortfolioDocument, Source } from "./document";
import { accountOf, excuseOf, toneOf } from "./sources";
import { isFailing, partsOf, type Trouble } from "./troubles";

/** What was read out is not read out again for so long, unless it is news once more. */
export const TOLD_MS = 300_000;

/** A source that is well for so long has recovered; its strip stays until then. */
export const GOOD_MS = 15_000;

/** What is to be said now, what is shown, and when it is to be looked at again though nothing came. */
export interface Step {
  readonly failing: readonly Trouble[];
  readonly recovered: readonly Trouble[];
  /** The very same list for as long as it says the same. */
  readonly shown: readonly Trouble[];
  readonly nextMs: number | null;
}

interface Known {
  shown: readonly Trouble[];
  /** What failed last, to be named when it is read again. */
  last: readonly Trouble[];
  calmSince: number | null;
  goodSince: number | null;
  /** When each cause was told. */
  readonly toldAt: Map<string, number>;
  /** Whether the last that was heard of it is that it fails. */
  isHeardFailing: boolean;
}

interface News {
  readonly failing: Trouble[];
  readonly recovered: Trouble[];
  readonly dues: number[];
}

function causeOf({ source }: Trouble): string {
  return `${source.state} ${source.error?.reason ?? ""}`;
}

function wordsOf({ source, wallets }: Trouble): string {
  return JSON.stringify([source.exchange, source.account, source.state, source.error?.reason ?? null, wallets]);
}

/** The memory of what was told. Times are milliseconds of a clock that is never set back. */
export class Telling {
  readonly #known = new Map<string, Known>();
  #shown: readonly Trouble[] = [];
  #isFirst = true;

  /** Take a document in, or the same one once more when it is time. */
  step(document: PortfolioDocument, now: number): Step {
    const news: News = { failing: [], recovered: [], dues: [] };
    const there = new Set<string>();
    const shown: Trouble[] = [];
    for (const source of document.sources) {
      const key = JSON.stringify([source.exchange, source.account]);
      const known = this.#known.get(key) ?? fresh();
      this.#known.set(key, known);
      there.add(key);
      if (isFailing(document, source)) {
        this.#fails(known, partsOf(source), now, news);
      } else {
        rests(known, document, source, now, news);
      }
      shown.push(...known.shown);
    }
    for (const key of this.#known.keys()) {
      if (!there.has(key)) {
        this.#known.delete(key);
      }
    }
    this.#isFirst = false;
    if (shown.map(wordsOf).join() !== this.#shown.map(wordsOf).join()) {
      this.#shown = shown;
    }
    const { failing, recovered, dues } = news;
    return { failing, recovered, shown: this.#shown, nextMs: dues.length === 0 ? null : Math.min(...dues) };
  }

  /** Nothing is known for a while: what was well by then has not been well since. */
  pause(): void {
    for (const known of this.#known.values()) {
      known.calmSince = null;
      known.goodSince = null;
    }
  }

  #fails(known: Known, parts: readonly Trouble[], now: number, { failing, dues }: News): void {
    const standing = new Set(known.isHeardFailing ? known.shown.map(causeOf) : []);
    for (const part of parts) {
      const cause = causeOf(part);
      const toldAt = known.toldAt.get(cause);
      const isToldLately = toldAt !== undefined && now - toldAt < TOLD_MS;
      if (!(isToldLately || (toldAt !== undefined && standing.has(cause)))) {
        known.toldAt.set(cause, now);
        known.isHeardFailing = true;
        // Those that are there when the page is opened stand in it, and are read with it.
        if (!this.#isFirst) {
          failing.push(part);
        }
      } else if (!known.isHeardFailing && toldAt !== undefined) {
        // It came back unheard. If it stays nobody is to believe for ever that it is read.
        dues.push(toldAt + TOLD_MS - now);
      }
    }
    known.calmSince = null;
    known.goodSince = null;
    known.shown = parts;
    known.last = parts;
  }
}

function fresh(): Known {
  return { shown: [], last: [], calmSince: null, goodSince: null, toldAt: new Map(), isHeardFailing: false };
}

/** Of a source that does not fail: its strip goes, and it is told once that it is read again. */
function rests(known: Known, document: PortfolioDocument, source: Source, now: number, news: News): void {
  const isGood = toneOf(source, accountOf(document, source)) === "good";
  known.goodSince = isGood ? (known.goodSince ?? now) : null;
  known.calmSince ??= now;
  const goodMs = known.goodSince === null ? 0 : now - known.goodSince;
  if (known.isHeardFailing && goodMs >= GOOD_MS) {
    const isPartly = known.last.every(({ wallets }) => wallets.length > 0);
    news.recovered.push({ source, wallets: isPartly ? known.last.flatMap(({ wallets }) => wallets) : [] });
    known.isHeardFailing = false;
  } else if (known.isHeardFailing && isGood) {
    news.dues.push(GOOD_MS - goodMs);
  }
  // While the bus is what fails no source is blamed, not even for what was.
  const calmMs = excuseOf(document.bus, source) === null ? now - known.calmSince : GOOD_MS;
  if (calmMs >= GOOD_MS) {
    known.shown = [];
  } else if (known.shown.length > 0) {
    news.dues.push(GOOD_MS - calmMs);
  }
}
