import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible } from "../../src/lib/visible";

describe("a name as it may be shown", () => {
  it("spells out what turns the reading direction", () => {
    expect(visible("\u202eCTB\u202c")).toBe("⟨U+202E⟩CTB⟨U+202C⟩");
    expect(visible("\u2066BTC\u2069")).toBe("⟨U+2066⟩BTC⟨U+2069⟩");
  });

  it("spells out what has no width, so that no two names look the same", () => {
    expect(visible("B\u200bTC")).not.toBe(visible("BTC"));
    expect(visible("\ufeffBTC")).toBe("⟨U+FEFF⟩BTC");
  });

  it("spells out what a font draws as nothing, wherever Unicode keeps it", () => {
    for (const mark of ["\u034f", "\u3164", "\u{e0041}", "\ufe0f", "\u2800", "\u115f", "\u200d", "\u00ad"]) {
      expect(visible(`BTC${mark}`)).toBe(`BTC⟨U+${mark.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}⟩`);
    }
  });

  it("leaves names of every script and emoji as they are", () => {
    for (const name of ["BTC", "1INCH", "币安人生", "ıİ", "👩‍🚀", "می‌خواهم", "<b>"]) {
      expect(visible(name)).toBe(name);
    }
  });

  it("leaves no mark of direction in any text, and changes nothing twice", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        const shown = visible(name);
        expect(shown).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/);
        expect(visible(shown)).toBe(shown);
      }),
    );
  });
});
