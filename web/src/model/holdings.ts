/** Rows of the asset table: the balances of a tab's accounts, summed by asset. Exact throughout; unknown is never 0. */

import { addDecimals, compareDecimals, type Decimal, formatPlain, isZero, multiplyDecimals, parseDecimal, percentChange, ratio, ZERO } from "../lib/decimal";
import type { Account, Balance, Freshness } from "./document";

/** One balance of one wallet, with where it lies and how far it can be trusted. */
export interface Part {
  readonly exchange: string;
  readonly account: string;
  readonly wallet: string;
  readonly status: Freshness;
  readonly balance: Balance;
}

/** A mark that a row bears. */
export type Mark = "suspicious" | "stale" | "priceStale" | "unpriced" | "mirror";

/** One asset of a tab. `value` null: no part of it has a price. Amounts are exact texts. */
export interface Holding {
  readonly asset: string;
  readonly free: string;
  readonly locked: string;
  readonly total: string;
  readonly price: string | null;
  readonly path: readonly string[] | null;
  /** How many different prices its parts are valued at. */
  readonly prices: number;
  readonly value: string | null;
  /** The part of the total that has no price. */
  readonly unpriced: string;
  readonly change: number | null;
  readonly marks: readonly Mark[];
  readonly parts: readonly Part[];
  /** The same amounts, ready to be compared. */
  readonly sortable: Readonly<Record<"free" | "locked" | "total", Decimal> & Record<"price" | "value", Decimal | null>>;
  readonly fingerprint: string;
}

/** The holdings of some accounts; rows that did not change since `previous` are the very same objects. */
export function holdingsOf(accounts: readonly Account[], previous: ReadonlyMap<string, Holding> = new Map()): Map<string, Holding> {
  const parts = new Map<string, Part[]>();
  for (const account of accounts) {
    const statuses = new Map(account.wallets.map((wallet) => [wallet.wallet, wallet.status]));
    for (const balance of account.balances) {
      const part: Part = {
        exchange: account.exchange,
        account: account.account,
        wallet: balance.wallet,
        status: statuses.get(balance.wallet) ?? account.status,
        balance,
      };
      const known = parts.get(balance.asset);
      if (known === undefined) {
        parts.set(balance.asset, [part]);
      } else {
        known.push(part);
      }
    }
  }
  const holdings = new Map<string, Holding>();
  for (const [asset, list] of parts) {
    const fingerprint = list.map(fingerprintOf).join("\n");
    const before = previous.get(asset);
    holdings.set(asset, before?.fingerprint === fingerprint ? before : holdingOf(asset, list, fingerprint));
  }
  return holdings;
}

function fingerprintOf({ exchange, account, wallet, status, balance }: Part): string {
  const { free, locked, priceUsd, valueUsd, value24hAgoUsd, priceStale, counted, pricePath, mirrorOf } = balance;
  const mirror = mirrorOf === null ? "" : `${mirrorOf.wallet}/${mirrorOf.asset}`;
  return [exchange, account, wallet, status, free, locked, priceUsd, valueUsd, value24hAgoUsd, priceStale, counted, pricePath?.join(">"), mirror].join("\t");
}

function holdingOf(asset: string, parts: readonly Part[], fingerprint: string): Holding {
  let [free, locked, total, unpriced] = [ZERO, ZERO, ZERO, ZERO];
  let [value, valueWithPast, past] = [ZERO, ZERO, ZERO];
  let [isPriced, hasPast] = [false, false];
  // An asset that only mirrors another one shows its amounts, and has no value of its own.
  const isMirror = parts.every(({ balance }) => !balance.counted);
  for (const { balance } of parts) {
    if (!balance.counted && !isMirror) {
      continue;
    }
    const amount = parseDecimal(balance.total);
    free = addDecimals(free, parseDecimal(balance.free));
    locked = addDecimals(locked, parseDecimal(balance.locked));
    total = addDecimals(total, amount);
    if (isMirror) {
      continue;
    }
    if (balance.valueUsd === null) {
      unpriced = addDecimals(unpriced, amount);
      continue;
    }
    isPriced = true;
    const worth = parseDecimal(balance.valueUsd);
    value = addDecimals(value, worth);
    if (balance.value24hAgoUsd !== null) {
      hasPast = true;
      valueWithPast = addDecimals(valueWithPast, worth);
      past = addDecimals(past, parseDecimal(balance.value24hAgoUsd));
    }
  }
  const main = largest(parts);
  const prices = new Set(parts.flatMap(({ balance }) => (balance.priceUsd === null ? [] : [balance.priceUsd])));
  return {
    asset,
    free: formatPlain(free),
    locked: formatPlain(locked),
    total: formatPlain(total),
    price: main?.balance.priceUsd ?? null,
    path: main?.balance.pricePath ?? null,
    prices: prices.size,
    value: isPriced ? formatPlain(value) : null,
    unpriced: formatPlain(unpriced),
    change: hasPast ? percentChange(valueWithPast, past) : null,
    marks: isMirror ? ["mirror"] : marksOf(parts, unpriced),
    parts,
    sortable: {
      free,
      locked,
      total,
      price: main?.balance.priceUsd ? parseDecimal(main.balance.priceUsd) : null,
      value: isPriced ? value : null,
    },
    fingerprint,
  };
}

/** The priced part that is worth most: its price is the one to show. */
function largest(parts: readonly Part[]): Part | null {
  let best: Part | null = null;
  let most: Decimal | null = null;
  for (const part of parts) {
    if (part.balance.priceUsd === null || part.balance.valueUsd === null) {
      continue;
    }
    const value = parseDecimal(part.balance.valueUsd);
    if (most === null || compareDecimals(value, most) > 0) {
      best = part;
      most = value;
    }
  }
  return best;
}

function marksOf(parts: readonly Part[], unpriced: Decimal): Mark[] {
  const marks: Mark[] = [];
  const counted = parts.filter(({ balance }) => balance.counted);
  if (counted.some(({ status }) => status === "suspicious")) {
    marks.push("suspicious");
  }
  if (counted.some(({ status }) => status === "stale")) {
    marks.push("stale");
  }
  if (counted.some(({ balance }) => balance.priceStale)) {
    marks.push("priceStale");
  }
  if (!isZero(unpriced)) {
    marks.push("unpriced");
  }
  return marks;
}

/** The sum of what has a price, exact. */
export function valueOf(holdings: Iterable<Holding>): Decimal {
  let sum = ZERO;
  for (const { sortable } of holdings) {
    if (sortable.value !== null) {
      sum = addDecimals(sum, sortable.value);
    }
  }
  return sum;
}

/** The value of a holding as a fraction of the whole; null where it has none. */
export function shareOf(holding: Holding, whole: Decimal): number | null {
  return holding.sortable.value === null ? null : ratio(holding.sortable.value, whole);
}

/** An exact value in another currency, of which one dollar is `perUsd` units; null where either is unknown. */
export function convert(exactUsd: string | null, perUsd: string | null): string | null {
  if (exactUsd === null || perUsd === null) {
    return null;
  }
  return perUsd === "1" ? exactUsd : formatPlain(multiplyDecimals(parseDecimal(exactUsd), parseDecimal(perUsd)));
}
