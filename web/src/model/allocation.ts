/**
 * What the allocation ring draws of a list of values, and in which colours.
 *
 * Prices tick every second, so two things are remembered between updates: which keys are drawn (a share that hovers
 * around the limit must not jump in and out of "other") and which colour each key has. A colour goes by the key and
 * not by the rank, so that what has changed places keeps its colour when the page is loaded again, too.
 */

import { type Decimal, formatPlain, isNegative, parseDecimal, ratio, sumDecimals } from "../lib/decimal";

/** One asset, exchange or wallet with its exact value; `share` is its part of the whole, from 0 to 1, for display. */
export type SliceRow = {
  readonly key: string;
  readonly label: string;
  readonly valueUsd: string;
  readonly share: number;
};

/** A row with a slice of its own. `color` is an index into the palette, `part` its part of the ring from 0 to 1. */
export type DrawnRow = SliceRow & { readonly color: number; readonly part: number };

/** The rows too small for a slice of their own, as one. */
export type FoldedRows = {
  readonly rows: readonly SliceRow[];
  readonly valueUsd: string;
  readonly share: number;
  readonly part: number;
};

/** A list of values as it is shown: drawn slices by size, the small ones as one, and debts, which no ring can draw. */
export type Allocation = {
  readonly drawn: readonly DrawnRow[];
  readonly other: FoldedRows | null;
  readonly debts: readonly SliceRow[];
  /** The exact sum of everything, debts included. */
  readonly totalUsd: string;
};

/** What one list of values was drawn as last: its keys, and who has which colour. */
export type AllocationMemory = {
  readonly drawn: ReadonlySet<string>;
  readonly colors: ReadonlyMap<string, number>;
};

/** A part of the ring below this is folded into "other": a thinner slice can be neither seen nor pointed at. */
export const FOLD_BELOW = 0.02;

/** A drawn slice stays drawn down to this part of the limit, so that ticking prices do not make it come and go. */
export const STAY_FACTOR = 0.9;

/** So many colours can be told apart; it is also the largest number of slices beside "other". */
export const DRAWN_MAX = 10;

/** The memory of a list that was never drawn. */
export const NOTHING_DRAWN: AllocationMemory = { drawn: new Set(), colors: new Map() };

type Weighed = { readonly row: SliceRow; readonly value: Decimal; readonly part: number };

/** Lays a list out for the ring and its table. The memory comes back as the same object where nothing changed. */
export function allocate(
  rows: readonly SliceRow[],
  memory: AllocationMemory,
): { readonly allocation: Allocation; readonly memory: AllocationMemory } {
  const valued = rows.map((row) => ({ row, value: parseDecimal(row.valueUsd) }));
  const owned = weigh(valued.filter((item) => !isNegative(item.value)));
  const debts = valued.filter((item) => isNegative(item.value));
  const { drawn, folded } = divide(owned, memory.drawn);
  const keys = drawn.map((item) => item.row.key);
  const colors = assignColors(memory.colors, keys, DRAWN_MAX);
  const allocation: Allocation = {
    drawn: drawn.map((item) => ({ ...item.row, color: colors.get(item.row.key) ?? 0, part: item.part })),
    other: folded.length === 0 ? null : foldRows(folded),
    debts: debts.map((item) => item.row).sort((a, b) => a.share - b.share),
    totalUsd: formatPlain(sumDecimals(valued.map((item) => item.value))),
  };
  const unchanged = colors === memory.colors && sameKeys(memory.drawn, keys);
  return { allocation, memory: unchanged ? memory : { drawn: new Set(keys), colors } };
}

/**
 * Gives each drawn key one of `count` colours, none twice. A key keeps the colour it has; one that is not drawn now
 * keeps it too until newcomers find too few. What newcomers get depends on their names alone, in whatever order they
 * come. The same map comes back where nothing changed.
 */
export function assignColors(
  previous: ReadonlyMap<string, number>,
  keys: readonly string[],
  count: number,
): ReadonlyMap<string, number> {
  const newcomers = new Set(keys.filter((key) => !previous.has(key)));
  if (newcomers.size === 0) {
    return previous;
  }
  const shown = new Set(keys);
  if (shown.size > count) {
    throw new RangeError(`${shown.size} keys cannot have ${count} different colours`);
  }
  const colors = new Map(previous);
  // Those that were first seen longest ago give their colours up.
  for (const leaver of [...previous.keys()].filter((key) => !shown.has(key))) {
    if (colors.size + newcomers.size > count) {
      colors.delete(leaver);
    }
  }
  const free = new Set(Array.from({ length: count }, (_, color) => color));
  for (const color of colors.values()) {
    free.delete(color);
  }
  for (const { key, color } of likings(newcomers, free)) {
    if (newcomers.has(key) && free.has(color)) {
      colors.set(key, color);
      newcomers.delete(key);
      free.delete(color);
    }
  }
  return colors;
}

/** How much each key likes each colour, the greatest liking first: where two like the same, the greater one has it. */
function likings(keys: Iterable<string>, colors: Iterable<number>) {
  const free = [...colors];
  return [...keys]
    .flatMap((key) => free.map((color) => ({ key, color, liking: hash(`${color} ${key}`) })))
    .sort((a, b) => b.liking - a.liking || (a.key < b.key ? -1 : Number(a.key > b.key)) || a.color - b.color);
}

/** A number of 32 bits for a text, the same on every machine (FNV-1a, its bits mixed once more as it likes short ones). */
function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (const letter of text) {
    bits = Math.imul(bits ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Adds each row's part of the ring. The parts are of what is owned: a debt makes no slice larger. */
function weigh(owned: readonly { row: SliceRow; value: Decimal }[]): Weighed[] {
  const whole = sumDecimals(owned.map((item) => item.value));
  return owned
    .map((item) => ({ ...item, part: ratio(item.value, whole) ?? 0 }))
    .sort((a, b) => b.part - a.part || (a.row.key < b.row.key ? -1 : 1));
}

/** Divides rows sorted by size into those that get a slice and those that are folded. */
function divide(owned: readonly Weighed[], before: ReadonlySet<string>): { drawn: Weighed[]; folded: Weighed[] } {
  const standing = (item: Weighed) => (before.has(item.row.key) ? item.part / STAY_FACTOR : item.part);
  const chosen = new Set(
    owned
      .filter((item) => standing(item) >= FOLD_BELOW)
      .sort((a, b) => standing(b) - standing(a))
      .slice(0, DRAWN_MAX),
  );
  const drawn = owned.filter((item) => chosen.has(item));
  const folded = owned.filter((item) => !chosen.has(item));
  // "Other" that stands for a single row would only hide its name.
  return folded.length === 1 && drawn.length < DRAWN_MAX ? { drawn: [...owned], folded: [] } : { drawn, folded };
}

function foldRows(folded: readonly Weighed[]): FoldedRows {
  const sum = (number: (item: Weighed) => number) => folded.reduce((total, item) => total + number(item), 0);
  return {
    rows: folded.map((item) => item.row),
    valueUsd: formatPlain(sumDecimals(folded.map((item) => item.value))),
    share: sum((item) => item.row.share),
    part: sum((item) => item.part),
  };
}

function sameKeys(known: ReadonlySet<string>, keys: readonly string[]): boolean {
  return known.size === keys.length && keys.every((key) => known.has(key));
}
