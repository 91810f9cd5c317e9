/** What of the holdings is shown, and in which order. */

import { absDecimal, compareDecimals, parseDecimal } from "../lib/decimal";
import { searchNames } from "../lib/names";
import { matcher } from "../lib/search";
import type { Holding } from "./holdings";

/** A column that rows can be sorted by. */
export type SortColumn = "asset" | "free" | "locked" | "total" | "price" | "change" | "value" | "share";

/** By which column, and whether the largest comes first. */
export interface Sort {
  readonly column: SortColumn;
  readonly descending: boolean;
}

/** By value, the largest first: what people expect to see. */
export const DEFAULT_SORT: Sort = { column: "value", descending: true };

/** Below this value in US dollars a holding is small. */
export const SMALL_USD = "1";

const SMALL = parseDecimal(SMALL_USD);

/** What is asked of the rows. */
export interface Wish {
  readonly query: string;
  readonly hideSmall: boolean;
  readonly sort: Sort;
}

/** The rows that are shown, and how many are hidden for being small. */
export interface View {
  readonly rows: readonly Holding[];
  readonly hiddenSmall: number;
}

/** A holding below the threshold. What has no price is never small: nobody knows what it is worth. */
export function isSmall(holding: Holding): boolean {
  const { value } = holding.sortable;
  return value !== null && holding.unpriced === "0" && compareDecimals(absDecimal(value), SMALL) < 0;
}

/** Filter and sort. The order is total, so equal rows never change places. */
export function viewOf(holdings: Iterable<Holding>, wish: Wish): View {
  const isWanted = matcher(wish.query);
  const found = [...holdings].filter(({ asset }) => isWanted(asset, ...searchNames(asset)));
  const rows = wish.hideSmall ? found.filter((holding) => !isSmall(holding)) : found;
  return {
    rows: rows.sort((a, b) => compare(a, b, wish.sort) || byName(a, b)),
    hiddenSmall: found.length - rows.length,
  };
}

function compare(a: Holding, b: Holding, { column, descending }: Sort): number {
  const sign = descending ? -1 : 1;
  switch (column) {
    case "asset":
      return sign * byName(a, b);
    case "change":
      return ordered(a.change, b.change, (x, y) => sign * (x - y));
    case "share":
      // All shares are of one sum, so they are in the order of the values.
      return ordered(a.sortable.value, b.sortable.value, (x, y) => sign * compareDecimals(x, y));
    default:
      return ordered(a.sortable[column], b.sortable[column], (x, y) => sign * compareDecimals(x, y));
  }
}

/** What is unknown comes last, whichever way the known ones are ordered. */
function ordered<T>(a: T | null, b: T | null, by: (a: T, b: T) => number): number {
  return a === null || b === null ? Number(a === null) - Number(b === null) : by(a, b);
}

function byName(a: Holding, b: Holding): number {
  return a.asset < b.asset ? -1 : Number(a.asset > b.asset);
}
