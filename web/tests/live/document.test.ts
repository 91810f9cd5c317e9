/** Documents: the real one is read, and nothing less than one. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDocument } from "../../src/live/document";
import { parseUtc } from "../../src/live/shape";
import { SAMPLE_TEXT, sample } from "./server";

type Step = string | number;

/** The paths of all values in a document, down to the last. */
function paths(value: unknown, before: readonly Step[] = []): (readonly Step[])[] {
  const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const steps = inner.flatMap(([name, part]) => paths(part, [...before, Array.isArray(value) ? Number(name) : name]));
  return before.length === 0 ? steps : [before, ...steps];
}

/** A copy of the sample in which one thing was done to the part at the path. */
function spoilt(path: readonly Step[], change: (holder: Record<Step, unknown>, last: Step) => void): string {
  const copy = sample();
  let holder = copy as unknown as Record<Step, unknown>;
  for (const step of path.slice(0, -1)) {
    holder = holder[step] as Record<Step, unknown>;
  }
  change(holder, path.at(-1) as Step);
  return JSON.stringify(copy);
}

const PATHS = paths(sample());
const FIELDS = PATHS.filter((path) => typeof path.at(-1) === "string");

describe("a document", () => {
  it("as the api serves it is read", () => {
    const reading = readDocument(SAMPLE_TEXT);
    expect(reading).toEqual({ kind: "document", document: sample() });
  });

  it("that says more than this page knows is read too", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), fc.jsonValue(), (path, more) => {
        const text = spoilt(path, (holder) => {
          if (!Array.isArray(holder)) {
            holder.somethingNew = more;
          }
        });
        expect(readDocument(text).kind).toBe("document");
      }),
    );
  });

  it("that lacks any field, however deep, is broken, and the place is named", () => {
    // One of each kind of field: the hundred rows after the first have the same.
    const kinds = new Map(
      FIELDS.map((path) => [path.map((step) => (typeof step === "number" ? 0 : step)).join("."), path]),
    );
    expect(kinds.size).toBeGreaterThan(80);
    for (const path of kinds.values()) {
      const reading = readDocument(
        spoilt(path, (holder, last) => {
          delete holder[last];
        }),
      );
      expect(reading.kind, path.join(".")).toBe("broken");
      expect(reading.kind === "broken" && reading.message).toContain(String(path.at(-1)));
    }
  });

  it("with anything of another kind in its place is broken, and what it was is not repeated", () => {
    const others = fc.constantFrom<unknown>({ secret: 1 }, [{ secret: 1 }], [["secret"]], Number.NaN);
    fc.assert(
      fc.property(fc.constantFrom(...FIELDS), others, (path, other) => {
        const reading = readDocument(
          spoilt(path, (holder, last) => {
            const isNullable =
              holder[last] === null || ["reason", "valueUsd", "pricePath", "mirrorOf"].includes(`${last}`);
            // NaN becomes null on the way, which some fields may be.
            holder[last] = Number.isNaN(other) && isNullable ? { secret: 1 } : other;
          }),
        );
        const mayBeNull = Number.isNaN(other);
        expect(reading.kind === "broken" || mayBeNull).toBe(true);
        expect(JSON.stringify(reading.kind === "broken" ? reading.message : "")).not.toContain("secret");
      }),
    );
  });

  it.each(["1,5", "1e3", "+1", "01", "1.", ".5", "NaN", "", " 1", "1\n", "9".repeat(41), "<b>1</b>"])(
    "with the amount %j is broken",
    (wrong) => {
      const text = spoilt(["accounts", 0, "balances", 0, "total"], (holder, last) => {
        holder[last] = wrong;
      });
      expect(readDocument(text).kind).toBe("broken");
    },
  );

  it("may hold any text where there is text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 64 }), (name) => {
        const text = spoilt(["accounts", 0, "balances", 0, "asset"], (holder, last) => {
          holder[last] = name;
        });
        expect(readDocument(text).kind).toBe("document");
      }),
    );
  });

  it("is not made by a name that every object has", () => {
    for (const text of ['{"__proto__":{"schemaVersion":1}}', '{"schemaVersion":1,"constructor":1}']) {
      expect(readDocument(text).kind).toBe("broken");
    }
  });

  it("whatever the text is, leads to an answer", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(["broken", "unsupported"]).toContain(readDocument(text).kind);
      }),
    );
  });

  it.each([0, 2, 99, -1, 1.5])("of version %d is unsupported, whatever else it holds", (schemaVersion) => {
    const text = spoilt(["schemaVersion"], (holder, last) => {
      holder[last] = schemaVersion;
    });
    expect(readDocument(text)).toEqual({ kind: "unsupported", schemaVersion });
  });
});

describe("a moment", () => {
  it("is read to the millisecond", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }),
        (date) => {
          expect(parseUtc(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });

  it.each(["", "1", "2026-11-23", "2026-11-23T03:00:00", "2026-11-23T03:00:00+01:00", "2026-13-23T03:00:00Z", null, 5])(
    "is not read out of %j",
    (text) => {
      expect(parseUtc(text)).toBeNull();
    },
  );
});
