import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DRAWN_MAX } from "../../src/model/allocation";
import { contrast, inkOn, OTHER_COLOR, PALETTE } from "../../src/model/palette";

type Triple = readonly [number, number, number];

/** The surfaces of the two themes. */
const SURFACES = ["#ffffff", "#14181f"];

/** Non-text contrast of WCAG 1.4.11. */
const CONTRAST_MIN = 3;

/** Distance in OKLab: 0.02 is just noticeable side by side. */
const DISTANCE_MIN = 0.05;

/** How people without one kind of cone see linear RGB (Machado, Oliveira and Fernandes, 2009, severity 1). */
const VISION: Record<string, readonly [Triple, Triple, Triple]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const dot = (a: Triple, b: Triple) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function linear(color: string): Triple {
  const channel = (start: number) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function oklab(rgb: Triple): Triple {
  const cone = (weights: Triple) => Math.cbrt(dot(weights, rgb));
  const lms: Triple = [
    cone([0.4122214708, 0.5363325363, 0.0514459929]),
    cone([0.2119034982, 0.6806995451, 0.1073969566]),
    cone([0.0883024619, 0.2817188376, 0.6299787005]),
  ];
  return [
    dot([0.2104542553, 0.793617785, -0.0040720468], lms),
    dot([1.9779984951, -2.428592205, 0.4505937099], lms),
    dot([0.0259040371, 0.7827717662, -0.808675766], lms),
  ];
}

function seen(color: string, [red, green, blue]: readonly [Triple, Triple, Triple]): Triple {
  const rgb = linear(color);
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  return oklab([clamp(dot(red, rgb)), clamp(dot(green, rgb)), clamp(dot(blue, rgb))]);
}

describe("the palette", () => {
  const all = [...PALETTE, OTHER_COLOR];

  it("has a colour for every slice that is drawn", () => {
    expect(PALETTE).toHaveLength(DRAWN_MAX);
    expect(all.every((color) => /^#[0-9a-f]{6}$/.test(color))).toBe(true);
  });

  it.each(all)("%s is seen on both surfaces", (color) => {
    for (const surface of SURFACES) {
      expect(contrast(color, surface)).toBeGreaterThanOrEqual(CONTRAST_MIN);
    }
  });

  it.each(Object.keys(VISION))("has no two colours that look alike to %s", (name) => {
    const matrix = VISION[name];
    const labs = matrix === undefined ? [] : all.map((color) => seen(color, matrix));
    const close = labs.flatMap((a, i) =>
      labs
        .slice(i + 1)
        .flatMap((b, j) => (Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) < DISTANCE_MIN ? [[i, i + 1 + j]] : [])),
    );
    expect(labs).toHaveLength(all.length);
    expect(close).toEqual([]);
  });
});

describe("inkOn", () => {
  it("can be read on any colour", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffff }), (value) => {
        const color = `#${value.toString(16).padStart(6, "0")}`;
        expect(contrast(color, inkOn(color))).toBeGreaterThanOrEqual(4.5);
      }),
    );
  });
});

describe("contrast", () => {
  it("is that of WCAG", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 10);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });
});
