/** What fails, source by source and wallet by wallet. */

import type { PortfolioDocument, Source } from "./document";
import { accountOf, excuseOf, toneOf } from "./sources";

/** What fails of a source for one cause; `source` has the error that is meant. */
export interface Trouble {
  readonly source: Source;
  /** The wallets that fail, beside others that are read well; none where it is the whole source. */
  readonly wallets: readonly string[];
}

/** What fails of a source that fails: all of it, or, where some wallets are read well, the others by their cause. */
export function partsOf(source: Source): Trouble[] {
  const failed = source.wallets.filter(({ health }) => health === "failed");
  const isPartly = failed.length > 0 && source.wallets.some(({ health }) => health === "ok");
  // Who is told to wait asks for no wallet, however well the last one was read; who is silent says nothing of any.
  if (!isPartly || source.state === "rate_limited" || source.state === "silent") {
    return [{ source, wallets: [] }];
  }
  const parts = new Map<string, { source: Source; wallets: string[] }>();
  for (const { wallet, error } of failed) {
    const reason = String(error?.reason);
    const part = parts.get(reason) ?? { source: { ...source, error: error ?? source.error }, wallets: [] };
    part.wallets.push(wallet);
    parts.set(reason, part);
  }
  return [...parts.values()];
}

/** Whether somebody should know of a source; not where it is the bus that keeps its word from us. */
export function isFailing(document: PortfolioDocument, source: Source): boolean {
  return toneOf(source, accountOf(document, source)) === "bad" && excuseOf(document.bus, source) === null;
}
