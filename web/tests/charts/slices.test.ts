import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PART_VISIBLE, plainText, sameRing, TOOLTIP_LABEL_MAX, tooltipText } from "../../src/charts/slices";
import type { Slice } from "../../src/charts/types";

const slice: Slice = {
  key: "BTC",
  label: "BTC",
  detail: "$1.00 · 50.0%",
  part: 0.5,
  color: "#1e96d2",
  ink: "#000000",
  mark: "1",
};

const hostile = fc.string({
  unit: fc.constantFrom("{a|", "{", "}", "|", "a", "b", "\n", "\u202e", "\u2069", "😀", "<"),
  maxLength: 64,
});

describe("the texts of the ring", () => {
  it("cannot carry the chart's own markup", () => {
    fc.assert(
      fc.property(hostile, (label) => {
        expect(plainText(label)).not.toMatch(/\{[a-zA-Z0-9_]+\|/);
      }),
    );
    expect(plainText("{a|b}")).toBe("{\u2060a|b}");
  });

  it("have two lines whatever a name contains, and the name cannot turn them round", () => {
    fc.assert(
      fc.property(hostile, (label) => {
        const lines = tooltipText({ ...slice, label }).split("\n");
        expect(lines).toHaveLength(2);
        expect(lines[0]).toMatch(/^\u2068[^\u2066-\u2069\u202a-\u202e]*\u2069$/u);
        expect(lines[1]).toBe(slice.detail);
      }),
    );
  });

  it("are as short as the ring is narrow, and end between characters", () => {
    const [first = ""] = tooltipText({ ...slice, label: "😀".repeat(64) }).split("\n");
    expect([...first]).toHaveLength(TOOLTIP_LABEL_MAX + 2);
    expect(first).toBe(`\u2068${"😀".repeat(TOOLTIP_LABEL_MAX - 1)}…\u2069`);
  });

  it("do not cut a name for what cannot be seen of it", () => {
    expect(tooltipText({ ...slice, label: `${"\u202e".repeat(60)}BTC` })).toBe(`\u2068BTC\u2069\n${slice.detail}`);
  });

  it("are none where there is no slice", () => {
    expect(tooltipText(undefined)).toBe("");
  });
});

describe("sameRing", () => {
  it("is true of what only its tooltips tell apart", () => {
    const ticked = { ...slice, detail: "$1.01 · 50.0%", part: slice.part + PART_VISIBLE / 2 };
    expect(sameRing([slice], [ticked])).toBe(true);
  });

  it.each([
    ["another key", { key: "ETH" }],
    ["another colour", { color: "#000000" }],
    ["another ink", { ink: "#ffffff" }],
    ["another number", { mark: "2" }],
    ["an edge that moves", { part: slice.part + 2 * PART_VISIBLE }],
  ])("is false of %s", (_, change) => {
    expect(sameRing([slice], [{ ...slice, ...change }])).toBe(false);
  });

  it("is false of more or fewer slices", () => {
    expect(sameRing([], [slice])).toBe(false);
    expect(sameRing([slice], [])).toBe(false);
  });
});

describe("the chart code", () => {
  const sources = import.meta.glob<string>("../../src/**/*.{ts,tsx}", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const importing = (pattern: RegExp) => Object.keys(sources).filter((path) => pattern.test(sources[path] ?? ""));

  it("is imported by one module, which nobody imports but lazily", () => {
    expect(importing(/from "(echarts|zrender)/)).toEqual(["../../src/charts/donut.ts"]);
    expect(importing(/from "[./]*(charts\/)?donut"/)).toEqual([]);
    expect(importing(/import\("\.\.\/charts\/donut"\)/)).toEqual(["../../src/ui/AllocationDonut.tsx"]);
  });
});
