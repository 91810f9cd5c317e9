/** Rows of the asset table: the balances of a tab's accounts, summed by asset. Exact throughout; unknown is never 0. */

import {
  addDecimals,
  compareDecimals,
  type Decimal,
  formatPlain,
  isZero,
  multiplyDecimals,
  parseDecimal,
  percentChange,
  ratio,
  sumDecimals,
  ZERO,
} from "../lib/decimal";
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
  /** How many different prices the parts that are shown have. */
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
export function holdingsOf(
  accounts: readonly Account[],
  previous: ReadonlyMap<string, Holding> = new Map(),
): Map<string, Holding> {
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

/** Everything that a part shows, as one text: two that differ in anything have different ones. */
function fingerprintOf({ exchange, account, status, balance }: Part): string {
  return JSON.stringify([exchange, account, status, balance]);
}

function holdingOf(asset: string, parts: readonly Part[], fingerprint: string): Holding {
  const counted = parts.filter(({ balance }) => balance.counted);
  // An asset that only mirrors another one shows its amounts, and has no value of its own.
  const isMirror = counted.length === 0;
  const shown = isMirror ? parts : counted;
  const { free, locked, total } = amountsOf(shown);
  const { value, unpriced, change } = worthOf(counted);
  const main = largest(shown)?.balance;
  const price = main?.priceUsd ?? null;
  const prices = new Set(shown.map(({ balance }) => balance.priceUsd).filter((one) => one !== null));
  return {
    asset,
    free: formatPlain(free),
    locked: formatPlain(locked),
    total: formatPlain(total),
    price,
    path: main?.pricePath ?? null,
    prices: prices.size,
    value: value === null ? null : formatPlain(value),
    unpriced: formatPlain(unpriced),
    change,
    marks: isMirror ? ["mirror"] : marksOf(counted, unpriced),
    parts,
    sortable: { free, locked, total, price: price === null ? null : parseDecimal(price), value },
    fingerprint,
  };
}

function amountsOf(parts: readonly Part[]): Record<"free" | "locked" | "total", Decimal> {
  const sum = (name: "free" | "locked" | "total") =>
    sumDecimals(parts.map(({ balance }) => parseDecimal(balance[name])));
  return { free: sum("free"), locked: sum("locked"), total: sum("total") };
}

/** What parts are worth, how much of them has no price, and the change of those that had one 24 hours ago. */
function worthOf(parts: readonly Part[]): { value: Decimal | null; unpriced: Decimal; change: number | null } {
  let value: Decimal | null = null;
  let unpriced = ZERO;
  let [now, before] = [ZERO, ZERO];
  for (const { balance } of parts) {
    if (balance.valueUsd === null) {
      unpriced = addDecimals(unpriced, parseDecimal(balance.total));
      continue;
    }
    const worth = parseDecimal(balance.valueUsd);
    value = addDecimals(value ?? ZERO, worth);
    if (balance.value24hAgoUsd !== null) {
      now = addDecimals(now, worth);
      before = addDecimals(before, parseDecimal(balance.value24hAgoUsd));
    }
  }
  // Where nothing had a value then, there is nothing to compare with: null.
  return { value, unpriced, change: percentChange(now, before) };
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

function marksOf(counted: readonly Part[], unpriced: Decimal): Mark[] {
  const marks: Mark[] = [];
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
export function sumOfValues(holdings: Iterable<Holding>): Decimal {
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
