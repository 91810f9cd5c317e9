/** How far a tab was read, and what its total lacks: another exchange's trouble is not this one's. */

import type { PortfolioDocument, Reason } from "./document";
import { ALL, accountsIn, isIn, type Tab } from "./tabs";

/** `partly`: something of the tab was never read, so nobody may say that it holds nothing. */
export type Reading = "unconfigured" | "unread" | "partly" | "read";

const UNREAD: ReadonlySet<Reason["kind"]> = new Set(["never_read", "wallet_never_read", "loading"] as const);

/** How far the accounts of a tab were read. */
export function readingOf(document: PortfolioDocument, tab: Tab): Reading {
  const sources = document.sources.filter((source) => isIn(tab, source));
  const accounts = accountsIn(document, tab);
  if (accounts.length === 0) {
    const isOff = sources.length > 0 && sources.every(({ state }) => state === "unconfigured");
    return isOff ? "unconfigured" : "unread";
  }
  const isMissing = sources.some(
    (source) =>
      source.state !== "unconfigured" &&
      !accounts.some(({ exchange, account }) => exchange === source.exchange && account === source.account),
  );
  return isMissing || reasonsIn(document, tab).some(({ kind }) => UNREAD.has(kind)) ? "partly" : "read";
}

/** Whether the total of a tab is partial, and why. */
export function partialOf(document: PortfolioDocument, tab: Tab): { isPartial: boolean; reasons: readonly Reason[] } {
  const { partial } = document.totals;
  const reasons = reasonsIn(document, tab);
  return { isPartial: partial && (tab.id === ALL || reasons.length > 0), reasons };
}

/** A reason that names no exchange is one of all tabs; one that names no account, of all tabs of its exchange. */
function reasonsIn(document: PortfolioDocument, tab: Tab): readonly Reason[] {
  return document.totals.reasons.filter(
    ({ exchange, account }) =>
      (tab.exchange === null || exchange === null || exchange === tab.exchange) &&
      (tab.account === null || account === null || account === tab.account),
  );
}
