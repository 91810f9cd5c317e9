/** The same value divided three ways: by asset, by exchange, by wallet. What has no price is in none of them. */

import {
  addDecimals,
  compareDecimals,
  type Decimal,
  formatPlain,
  parseDecimal,
  ratio,
  sumDecimals,
  ZERO,
} from "../lib/decimal";
import { visible } from "../lib/visible";
import type { SliceRow } from "./allocation";
import type { Account } from "./document";

/** How parts are called. */
export interface Words {
  readonly exchange: (name: string) => string;
  readonly wallet: (name: string) => string;
}

/** The three lists, each with the largest first. */
export function groupsOf(
  accounts: readonly Account[],
  words: Words,
): Record<"asset" | "exchange" | "wallet", SliceRow[]> {
  const sums = {
    asset: new Map<string, Decimal>(),
    exchange: new Map<string, Decimal>(),
    wallet: new Map<string, Decimal>(),
  };
  for (const { exchange, balances } of accounts) {
    for (const { asset, wallet, valueUsd, counted } of balances) {
      if (counted && valueUsd !== null) {
        const value = parseDecimal(valueUsd);
        add(sums.asset, asset, value);
        add(sums.exchange, exchange, value);
        add(sums.wallet, wallet, value);
      }
    }
  }
  return {
    asset: rowsOf(sums.asset, visible),
    exchange: rowsOf(sums.exchange, words.exchange),
    wallet: rowsOf(sums.wallet, words.wallet),
  };
}

function add(sums: Map<string, Decimal>, key: string, value: Decimal): void {
  sums.set(key, addDecimals(sums.get(key) ?? ZERO, value));
}

function rowsOf(sums: ReadonlyMap<string, Decimal>, label: (key: string) => string): SliceRow[] {
  const whole = sumDecimals(sums.values());
  return [...sums]
    .sort(([a, x], [b, y]) => compareDecimals(y, x) || (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, label: label(key), valueUsd: formatPlain(value), share: ratio(value, whole) ?? 0 }));
}
