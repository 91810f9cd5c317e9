/** The total of a tab: the server's own for everything, the sum of its accounts otherwise. */

import {
  addDecimals,
  formatPlain,
  isZero,
  parseDecimal,
  percentChange,
  subtractDecimals,
  sumDecimals,
  ZERO,
} from "../lib/decimal";
import type { PortfolioDocument } from "./document";
import { ALL, accountsIn, type Tab } from "./tabs";

/** A total and its change in 24 hours; exact texts in US dollars. */
export interface TabTotal {
  readonly exactUsd: string | null;
  readonly change: { readonly usd: string; readonly percent: number | null; readonly complete: boolean } | null;
}

/** The total of a tab; null where nothing was ever read. */
export function totalOf(document: PortfolioDocument, tab: Tab): TabTotal {
  if (tab.id === ALL) {
    const { totalUsdExact, change24h } = document.totals;
    const percent = change24h?.percent ?? null;
    const change =
      change24h === null
        ? null
        : { usd: change24h.usd, percent: percent === null ? null : Number(percent), complete: change24h.complete };
    return { exactUsd: totalUsdExact, change };
  }
  const accounts = accountsIn(document, tab);
  if (accounts.length === 0) {
    return { exactUsd: null, change: null };
  }
  const exactUsd = formatPlain(sumDecimals(accounts.map(({ totals }) => parseDecimal(totals.totalUsdExact))));
  return { exactUsd, change: changeOf(accounts) };
}

function changeOf(accounts: PortfolioDocument["accounts"]): TabTotal["change"] {
  let [now, before] = [ZERO, ZERO];
  let [isKnown, isComplete] = [false, true];
  for (const balance of accounts.flatMap(({ balances }) => balances)) {
    if (!balance.counted || isZero(parseDecimal(balance.total))) {
      continue;
    }
    if (balance.valueUsd === null || balance.value24hAgoUsd === null) {
      isComplete = false;
      continue;
    }
    isKnown = true;
    now = addDecimals(now, parseDecimal(balance.valueUsd));
    before = addDecimals(before, parseDecimal(balance.value24hAgoUsd));
  }
  if (!isKnown) {
    return null;
  }
  return { usd: formatPlain(subtractDecimals(now, before)), percent: percentChange(now, before), complete: isComplete };
}
