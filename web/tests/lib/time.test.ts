import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAge, formatClock, formatDuration, formatTime, type Language } from "../../src/lib/format";

const language = fc.constantFrom<Language>("tr", "en");
const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** Intl puts different spaces between its parts from one version to the next. */
function spaced(text: string): string {
  return text.replace(/\s/gu, " ");
}

describe("ages", () => {
  it.each([
    [0, "0 sn", "0 s"],
    [12.9, "12 sn", "12 s"],
    [59.99, "59 sn", "59 s"],
    [60, "1 dk", "1 min"],
    [3599, "59 dk", "59 min"],
    [3600, "1 sa", "1 h"],
    [86_399, "23 sa", "23 h"],
    [86_400, "1 gün", "1 d"],
    [86_400 * 1234, "1.234 gün", "1,234 d"],
    [-5, "0 sn", "0 s"],
    [-0, "0 sn", "0 s"],
  ])("shows %s seconds as %s and %s", (seconds, turkish, english) => {
    expect(spaced(formatDuration("tr", seconds))).toBe(turkish);
    expect(spaced(formatDuration("en", seconds))).toBe(english);
  });

  it("says it in full for a screen reader", () => {
    expect(spaced(formatAge("en", 61).spoken)).toBe("1 minute");
    expect(spaced(formatAge("en", 200).spoken)).toBe("3 minutes");
    expect(spaced(formatAge("tr", 200).spoken)).toBe("3 dakika");
  });

  it("shows an age that is not known as a dash, never as 0", () => {
    for (const seconds of [null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(formatDuration("en", seconds)).toBe("–");
    }
    expect(formatAge("tr", Number.NaN).text).toBe("–");
  });

  it("is never negative, never told younger than the unit before, and cut to its unit", () => {
    fc.assert(
      fc.property(language, fc.double({ min: -1e9, max: 1e9, noNaN: true }), (of, seconds) => {
        const { value, unit } = formatAge(of, seconds);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(Object.is(value, -0)).toBe(false);
        const told = value * SECONDS[unit];
        const real = Math.max(0, seconds);
        expect(told).toBeLessThanOrEqual(real);
        expect(real - told).toBeLessThan(SECONDS[unit]);
        expect(unit === "second" || value >= 1).toBe(true);
      }),
    );
  });
});

describe("moments", () => {
  const iso = "2026-11-23T22:32:33.267Z";

  it("are told in Istanbul, with the zone", () => {
    expect(spaced(formatTime("en", iso))).toBe("24 Nov 2026, 01:32:33 GMT+3");
    expect(spaced(formatTime("tr", iso))).toBe("24 Kas 2026 01:32:33 GMT+3");
    expect(formatClock("en", iso)).toBe("01:32:33");
    expect(formatClock("tr", "2026-11-23T21:00:00Z")).toBe("00:00:00");
    expect(formatClock("tr", "2026-11-23T21:00:00+03:00")).toBe("21:00:00");
  });

  it.each([
    null,
    "",
    "now",
    "2026",
    "2026-11-23",
    "2026-13-01T00:00:00Z",
    "2026-11-23T25:00:00Z",
    "1764000000",
    iso + iso,
  ])("are a dash where %j is none", (text) => {
    expect(formatTime("en", text)).toBe("–");
    expect(formatClock("tr", text)).toBe("–");
  });

  it("are the same moment in both languages, whatever it is", () => {
    const moment = fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(moment, (date) => {
        const text = date.toISOString();
        expect(formatClock("tr", text)).toBe(formatClock("en", text));
        expect(formatTime("en", text)).toContain(formatClock("en", text));
        expect(formatTime("tr", text)).toMatch(/GMT\+[23]$/);
      }),
    );
  });
});
