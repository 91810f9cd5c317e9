/** What sums are made of, for one tab: the total's parts, and an asset's in one account. Exact throughout. */

import {
  addDecimals,
  compareDecimals,
  type Decimal,
  formatPlain,
  parseDecimal,
  sumDecimals,
  ZERO,
} from "../lib/decimal";
import type { Explanation, PortfolioDocument } from "./document";
import { ALL, accountsIn, isIn, type Tab } from "./tabs";
import { totalOf } from "./totals";

/** One exact sum and what it is of. */
export interface NamedSum {
  readonly name: string;
  readonly totalUsdExact: string;
}

/** The sum of one account. */
export interface AccountSum {
  readonly exchange: string;
  readonly account: string;
  readonly totalUsdExact: string;
}

/** What the total of a tab adds up. */
export interface TotalParts {
  readonly exactUsd: string | null;
  readonly byExchange: readonly NamedSum[];
  /** Only where some exchange has several accounts; otherwise it would say the same twice. */
  readonly byAccount: readonly AccountSum[];
  readonly byWallet: readonly NamedSum[];
  readonly unpriced: PortfolioDocument["totals"]["unpriced"];
}

/** The parts of a tab's total: the server's own for everything, sums of the tab's accounts otherwise. */
export function partsOf(document: PortfolioDocument, tab: Tab): TotalParts {
  const accounts = accountsIn(document, tab);
  const isAll = tab.id === ALL;
  const { byExchange, byWallet, unpriced } = document.totals;
  const exchanges = new Set(accounts.map(({ exchange }) => exchange));
  return {
    exactUsd: totalOf(document, tab).exactUsd,
    byExchange: isAll ? byExchange : [],
    byAccount:
      accounts.length > exchanges.size
        ? accounts.map(({ exchange, account, totals }) => ({ exchange, account, totalUsdExact: totals.totalUsdExact }))
        : [],
    byWallet: isAll ? byWallet : walletsOf(accounts),
    unpriced: unpriced.filter((one) => isIn(tab, one)),
  };
}

function walletsOf(accounts: PortfolioDocument["accounts"]): NamedSum[] {
  const sums = new Map<string, Decimal>();
  for (const { wallet, counted, valueUsd } of accounts.flatMap(({ balances }) => balances)) {
    if (counted && valueUsd !== null) {
      sums.set(wallet, addDecimals(sums.get(wallet) ?? ZERO, parseDecimal(valueUsd)));
    }
  }
  return [...sums]
    .sort(([a, x], [b, y]) => compareDecimals(y, x) || (a < b ? -1 : 1))
    .map(([name, sum]) => ({ name, totalUsdExact: formatPlain(sum) }));
}

/** Where an asset lies. Null: in all exchanges, accounts of the exchange, or wallets of the account. */
export interface Place {
  readonly exchange: string | null;
  readonly account: string | null;
  readonly wallet: string | null;
}

/** The part of an explanation that is of one account or one wallet of it; all of it where no account is asked for. */
export function explainedIn(answer: Explanation, { account, wallet }: Omit<Place, "exchange">): Explanation {
  if (account === null) {
    return answer;
  }
  const balances = answer.balances.filter(
    (one) => one.account === account && (wallet === null || one.wallet === wallet),
  );
  const counted = balances.filter((one) => one.counted);
  const priced = counted.flatMap(({ valueUsd }) => (valueUsd === null ? [] : [parseDecimal(valueUsd)]));
  const value = priced.length === 0 ? null : formatPlain(sumDecimals(priced));
  const amount = (some: typeof balances) => formatPlain(sumDecimals(some.map(({ total }) => parseDecimal(total))));
  return {
    ...answer,
    balances,
    total: amount(counted),
    valueUsdExact: value,
    // For machines that want a plain number; what is shown is the exact text.
    valueUsd: value === null ? null : Number(value),
    unpriced: amount(counted.filter(({ valueUsd }) => valueUsd === null)),
  };
}
