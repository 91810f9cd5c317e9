/** How far the server's clock is ahead of ours, so that ages are right where a clock is not. */

import type { PortfolioDocument } from "./document";
import { parseUtc } from "./shape";

const WINDOW_MS = 30_000;

/**
 * When a document was written, by the server's clock; null where it holds nothing that was ever read.
 *
 * Each wallet's time plus its age is that moment. A wallet that seems to have been read in the future has age 0, so
 * its sum lies too late: the earliest sum is the true one.
 */
export function writtenAt(document: PortfolioDocument): number | null {
  let earliest: number | null = null;
  for (const { wallets } of document.accounts) {
    for (const { asOf, ageSeconds } of wallets) {
      const at = (parseUtc(asOf) ?? Number.NaN) + ageSeconds * 1_000;
      if (!Number.isNaN(at) && (earliest === null || at < earliest)) {
        earliest = at;
      }
    }
  }
  return earliest;
}

/**
 * The best of the newest estimates. A document may lie a second at the server and some on the way, and both make its
 * estimate too low, so the largest counts; those of the last half to whole minute, since clocks are also set anew.
 */
export class Skew {
  #begun: number | null = null;
  #current = Number.NEGATIVE_INFINITY;
  #before = Number.NEGATIVE_INFINITY;

  /** Take one estimate in, and tell the best. */
  take(estimate: number, now: number): number {
    const passed = this.#begun === null ? Number.POSITIVE_INFINITY : now - this.#begun;
    if (passed < 0 || passed >= WINDOW_MS) {
      // A clock that was set, or a long pause, leaves nothing that is worth keeping.
      this.#before = passed >= 0 && passed < 2 * WINDOW_MS ? this.#current : Number.NEGATIVE_INFINITY;
      this.#current = Number.NEGATIVE_INFINITY;
      this.#begun = now;
    }
    this.#current = Math.max(this.#current, estimate);
    return Math.max(this.#current, this.#before);
  }
}
