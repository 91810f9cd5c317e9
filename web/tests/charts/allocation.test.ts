import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDecimals, compareDecimals, isNegative, parseDecimal, sumDecimals } from "../../src/lib/decimal";
import {
  type AllocationMemory,
  allocate,
  assignColors,
  DRAWN_MAX,
  FOLD_BELOW,
  NOTHING_DRAWN,
  type SliceRow,
  STAY_FACTOR,
} from "../../src/model/allocation";

const key = fc.string({ minLength: 1, maxLength: 6 });
const amount = fc
  .tuple(fc.bigInt({ min: -(10n ** 6n), max: 10n ** 20n }), fc.nat({ max: 18 }))
  .map(([units, scale]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
    const whole = digits.slice(0, digits.length - scale);
    return `${units < 0n ? "-" : ""}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ""}`;
  });
const rows: fc.Arbitrary<SliceRow[]> = fc.uniqueArray(
  fc.record({
    key,
    label: fc.string({ maxLength: 64 }),
    valueUsd: amount,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { selector: (row) => row.key, maxLength: 40 },
);

function list(...values: [string, string][]): SliceRow[] {
  return values.map(([name, valueUsd]) => ({ key: name, label: name, valueUsd, share: Number(valueUsd) / 100 }));
}

function fresh(of: readonly SliceRow[], memory: AllocationMemory = NOTHING_DRAWN) {
  return allocate(of, memory);
}

describe("allocate", () => {
  it("lists every row exactly once", () => {
    fc.assert(
      fc.property(rows, (of) => {
        const { drawn, other, debts } = fresh(of).allocation;
        const listed = [...drawn, ...(other?.rows ?? []), ...debts].map((row) => row.key);
        expect(listed.sort()).toEqual(of.map((row) => row.key).sort());
      }),
    );
  });

  it("keeps every sum exact", () => {
    fc.assert(
      fc.property(rows, (of) => {
        const { drawn, other, debts, totalUsd } = fresh(of).allocation;
        const sum = (items: readonly { valueUsd: string }[]) =>
          sumDecimals(items.map((row) => parseDecimal(row.valueUsd)));
        const shown = addDecimals(sum([...drawn, ...debts]), parseDecimal(other?.valueUsd ?? "0"));
        expect(compareDecimals(shown, sum(of))).toBe(0);
        expect(compareDecimals(parseDecimal(totalUsd), sum(of))).toBe(0);
      }),
    );
  });

  it("draws no debt, and only parts that make one whole", () => {
    fc.assert(
      fc.property(rows, (of) => {
        const { drawn, other, debts } = fresh(of).allocation;
        expect(drawn.some((row) => isNegative(parseDecimal(row.valueUsd)))).toBe(false);
        expect(debts.every((row) => isNegative(parseDecimal(row.valueUsd)))).toBe(true);
        const parts = [...drawn.map((row) => row.part), ...(other === null ? [] : [other.part])];
        expect(parts.every((part) => part >= 0 && part <= 1 + 1e-9)).toBe(true);
        const whole = parts.reduce((sum, part) => sum + part, 0);
        expect(whole === 0 || Math.abs(whole - 1) < 1e-9).toBe(true);
      }),
    );
  });

  it("draws by size, no more than can be told apart, each in its own colour", () => {
    fc.assert(
      fc.property(rows, (of) => {
        const { drawn } = fresh(of).allocation;
        expect(drawn.length).toBeLessThanOrEqual(DRAWN_MAX);
        expect(new Set(drawn.map((row) => row.color)).size).toBe(drawn.length);
        expect(drawn.every((row, index) => index === 0 || row.part <= (drawn[index - 1]?.part ?? 0))).toBe(true);
      }),
    );
  });

  it("settles at once: with its own memory nothing changes", () => {
    fc.assert(
      fc.property(rows, rows, (before, now) => {
        const first = fresh(now, fresh(before).memory);
        const second = fresh(now, first.memory);
        expect(second.memory).toBe(first.memory);
        expect(second.allocation).toEqual(first.allocation);
      }),
    );
  });

  it("keeps the colour of what stays drawn", () => {
    fc.assert(
      fc.property(rows, fc.array(amount, { minLength: 40, maxLength: 40 }), (of, values) => {
        const first = fresh(of);
        const ticked = of.map((row, index) => ({ ...row, valueUsd: values[index] ?? "0" }));
        const second = fresh(ticked, first.memory);
        for (const row of second.allocation.drawn) {
          const before = first.allocation.drawn.find((old) => old.key === row.key);
          expect(before === undefined || before.color === row.color).toBe(true);
        }
      }),
    );
  });

  it("gives an asset the same colour after a reload at which two have changed places", () => {
    const colours = (of: SliceRow[]) =>
      Object.fromEntries(fresh(of).allocation.drawn.map(({ key: name, color }) => [name, color]));
    const before = colours(list(["BTC", "40"], ["ETH", "35"], ["USDT", "15"], ["TRY", "10"]));
    expect(colours(list(["BTC", "30"], ["ETH", "45"], ["USDT", "10"], ["TRY", "15"]))).toEqual(before);
  });

  it("folds what is below the limit", () => {
    const { allocation } = fresh(list(["A", "97"], ["B", "1.5"], ["C", "1.5"]));
    expect(allocation.drawn.map((row) => row.key)).toEqual(["A"]);
    expect(allocation.other?.rows.map((row) => row.key)).toEqual(["B", "C"]);
    expect(allocation.other?.valueUsd).toBe("3");
  });

  it("draws no more slices than there are colours", () => {
    const equal = Array.from({ length: 25 }, (_, index): [string, string] => [`${index}`, "4"]);
    const { allocation } = fresh(list(...equal));
    expect(allocation.drawn).toHaveLength(DRAWN_MAX);
    expect(allocation.other?.valueUsd).toBe(`${(25 - DRAWN_MAX) * 4}`);
  });

  it("does not hide the name of a single small one", () => {
    const { allocation } = fresh(list(["A", "99"], ["B", "1"]));
    expect(allocation.drawn.map((row) => row.key)).toEqual(["A", "B"]);
    expect(allocation.other).toBeNull();
  });

  it("does not let a share around the limit come and go", () => {
    const at = (b: string) => list(["A", "95"], ["B", b], ["C", "0.5"], ["D", "0.5"]);
    const isDrawn = ({ allocation }: ReturnType<typeof fresh>) => allocation.drawn.some((row) => row.key === "B");
    const above = fresh(at("2.1"));
    const under = fresh(at("1.9"), above.memory);
    expect(isDrawn(above)).toBe(true);
    expect(isDrawn(under)).toBe(true);
    expect(isDrawn(fresh(at("1.9")))).toBe(false);
    expect(isDrawn(fresh(at("1.5"), under.memory))).toBe(false);
    expect(FOLD_BELOW * STAY_FACTOR).toBeGreaterThan(0.015);
  });

  it("says of nothing that it is nothing", () => {
    expect(fresh([]).allocation).toEqual({ drawn: [], other: null, debts: [], totalUsd: "0" });
    const zero = fresh(list(["A", "0"], ["B", "0.00"])).allocation;
    expect([zero.totalUsd, zero.drawn.length, zero.other?.part]).toEqual(["0", 0, 0]);
  });
});

describe("assignColors", () => {
  it("never gives two drawn keys one colour, and takes none away from a drawn key", () => {
    const keys = fc.uniqueArray(key, { maxLength: 10 });
    fc.assert(
      fc.property(fc.array(keys, { minLength: 1, maxLength: 8 }), (updates) => {
        let colors: ReadonlyMap<string, number> = new Map();
        for (const shown of updates) {
          const next = assignColors(colors, shown, 10);
          const given = shown.map((name) => next.get(name));
          expect(new Set(given).size).toBe(shown.length);
          expect(given.every((color) => color !== undefined && color >= 0 && color < 10)).toBe(true);
          for (const name of shown.filter((old) => colors.has(old))) {
            expect(next.get(name)).toBe(colors.get(name));
          }
          expect(next.size).toBeLessThanOrEqual(10);
          colors = next;
        }
      }),
    );
  });

  it("gives the same colours to the same keys, whoever is larger", () => {
    const some = fc.uniqueArray(key, { maxLength: DRAWN_MAX });
    const shuffled = some.chain((keys) =>
      fc.tuple(fc.constant(keys), fc.shuffledSubarray(keys, { minLength: keys.length })),
    );
    fc.assert(
      fc.property(shuffled, ([keys, otherwise]) => {
        const [one, other] = [keys, otherwise].map((order) => assignColors(new Map(), order, DRAWN_MAX));
        expect(Object.fromEntries(one ?? [])).toEqual(Object.fromEntries(other ?? []));
      }),
    );
  });

  it("has few colours change when another key is there from the start", () => {
    const names = Array.from({ length: 9 }, (_, index) => `asset ${index}`);
    const moved = names.map((one) => {
      const without = names.filter((name) => name !== one);
      const [all, fewer] = [names, without].map((keys) => assignColors(new Map(), keys, DRAWN_MAX));
      return without.filter((name) => all?.get(name) !== fewer?.get(name)).length;
    });
    expect(moved.reduce((sum, count) => sum + count, 0) / moved.length).toBeLessThan(2);
  });

  it("keeps the colours of the absent as long as it can", () => {
    const first = assignColors(new Map(), ["A", "B"], 3);
    const second = assignColors(first, ["C"], 3);
    expect([second.get("A"), second.get("B")]).toEqual([first.get("A"), first.get("B")]);
    const third = assignColors(second, ["B", "C", "D"], 3);
    expect([third.get("B"), third.get("C")]).toEqual([first.get("B"), second.get("C")]);
    expect([third.get("D"), third.has("A")]).toEqual([first.get("A"), false]);
  });

  it("refuses what cannot be done", () => {
    expect(() => assignColors(new Map(), ["A", "B"], 1)).toThrow(RangeError);
  });
});
