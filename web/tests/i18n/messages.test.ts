import { readFileSync } from "node:fs";
import { createTranslator } from "use-intl/core";
import { describe, expect, it } from "vitest";
import { MESSAGES } from "../../src/i18n/messages";
import { type Language, LOCALES } from "../../src/lib/language";
import { TIME_ZONE } from "../../src/lib/time";
import { type Asked, messagesOf, readMessage } from "./catalogue";

const CATALOGUES = { en: messagesOf("en"), tr: messagesOf("tr") } as const;
const BOTH: readonly Language[] = ["en", "tr"];
const COUNTS = [0, 1, 2, 5, 21, 12345];

type Value = string | number | Date | ((chunks: string) => string);
type Translate = { markup(key: string, values: Readonly<Record<string, Value>>): string };

/** Formats as the page does, but fails where the page would fall back to the name of the key. */
function translator(language: Language): Translate {
  const onError = (error: Error): never => {
    throw error;
  };
  const messages = MESSAGES[language];
  const translate = createTranslator({ locale: language, messages, timeZone: TIME_ZONE, onError });
  return translate as unknown as Translate;
}

/** A value for an argument, by which it can be told in what comes out. */
function standIn(name: string, kinds: ReadonlySet<Asked>, count: number): Value {
  if (kinds.has("tag")) {
    return (chunks) => `[${name}${chunks}]`;
  }
  return kinds.has("plural") || kinds.has("number") ? count : kinds.has("date") ? new Date(0) : `[${name}]`;
}

function format(language: Language, key: string, count: number): string {
  const { asked } = readMessage(CATALOGUES[language].get(key) ?? "");
  const values = [...asked].map(([name, kinds]) => [name, standIn(name, kinds, count)]);
  return translator(language).markup(key, Object.fromEntries(values));
}

describe("the two catalogues", () => {
  it("have the same keys in the same order", () => {
    expect([...CATALOGUES.tr.keys()]).toEqual([...CATALOGUES.en.keys()]);
  });

  it("ask for the same, by name and kind, in every message", () => {
    const asked = (language: Language) =>
      Object.fromEntries([...CATALOGUES[language]].map(([key, message]) => [key, readMessage(message).asked]));
    expect(asked("tr")).toEqual(asked("en"));
  });

  it("say nothing only where both do", () => {
    const silent = (language: Language) => [...CATALOGUES[language]].filter(([, text]) => text.trim() === "");
    expect(silent("tr")).toEqual(silent("en"));
    expect(silent("en")).toEqual([]);
  });

  it("name the same settings, files and programs", () => {
    const NAMES = /\.env(?:\.template)?|[A-Z][A-Z0-9]*_[A-Z0-9_]+|Spark Portfolio|Kafka|Binance|BTCTurk|Earn\b/g;
    const named = (language: Language) =>
      Object.fromEntries(
        [...CATALOGUES[language]].map(([key, text]) => [key, [...new Set(text.match(NAMES) ?? [])].sort()]),
      );
    expect(named("tr")).toEqual(named("en"));
  });

  it("name only settings that stand in .env.template", () => {
    const template = readFileSync(new URL("../../../.env.template", import.meta.url), "utf8");
    for (const [key, text] of CATALOGUES.en) {
      for (const setting of text.match(/[A-Z][A-Z0-9]*_[A-Z0-9_]+/g) ?? []) {
        expect(template, key).toMatch(new RegExp(`^#?${setting}=`, "m"));
      }
    }
  });

  it("are two languages: hardly a sentence is the same in both", () => {
    const same = [...CATALOGUES.en].filter(([key, text]) => / .* /.test(text) && CATALOGUES.tr.get(key) === text);
    // A rate, and what a newer server may say have no words of a language.
    expect(same.map(([key]) => key)).toEqual(["total.rate", "reason.other"]);
  });
});

describe.each(BOTH)("every message in %s", (language) => {
  const catalogue = [...CATALOGUES[language]].filter(([, text]) => text !== "");

  it("formats, with all that it was given, whatever is counted", () => {
    for (const [key, message] of catalogue) {
      const { asked } = readMessage(message);
      for (const count of COUNTS) {
        const text = format(language, key, count);
        expect(text, key).not.toMatch(/[{}<>]|undefined|NaN|\[object/);
        expect(text.trim(), key).not.toBe("");
        const plain = [...asked].filter(([, kinds]) => kinds.has("text") || kinds.has("tag"));
        for (const [name] of plain) {
          expect(text, key).toContain(`[${name}]`);
        }
      }
    }
  });

  it("counts as the language does: every branch can be reached, and there is one for the rest", () => {
    const { pluralCategories } = new Intl.PluralRules(LOCALES[language]).resolvedOptions();
    for (const [key, message] of catalogue) {
      const branches = readMessage(message).branches.filter(({ kind }) => kind === "plural");
      for (const { name, option } of branches) {
        expect(option.startsWith("=") || pluralCategories.includes(option as Intl.LDMLPluralRule), key).toBe(true);
        expect(branches.some((other) => other.name === name && other.option === "other")).toBe(true);
      }
    }
  });

  it("writes the numbers that it counts as the language does", () => {
    const number = new Intl.NumberFormat(LOCALES[language]).format(12345);
    expect(format(language, "table.shown", 12345)).toContain(number);
  });

  it("has no space that is too many, and no straight quotation mark", () => {
    for (const [key, text] of catalogue) {
      expect(text, key).toBe(text.trim());
      expect(text, key).not.toMatch(/ {2}|"| [,;:]| \.(?!env)/);
    }
  });
});

describe("the announcement of a refresh", () => {
  const say = (language: Language, done: number, failed: number) =>
    translator(language).markup("refresh.announceDone", { done, failed });

  it("says what was read and what was not, and of nothing nothing", () => {
    expect(say("en", 2, 0)).toBe("2 accounts refreshed.");
    expect(say("en", 1, 1)).toBe("1 account refreshed, 1 could not be read.");
    expect(say("en", 0, 2)).toBe("No account refreshed, 2 could not be read.");
    expect(say("tr", 2, 0)).toBe("2 hesap yenilendi.");
    expect(say("tr", 0, 2)).toBe("Hiçbir hesap yenilenmedi, 2 hesap okunamadı.");
  });
});

describe("a catalogue", () => {
  it.each<[Language, RegExp]>([
    ["tr", /\b(?:[Dd]enetle|[Yy]alnız\b|[Ee]ski\b|[Oo]lay veri yolu|api'yi)|[Bb]ütün/],
    ["en", /\b(?:anew|[Mm]end|event bus|old)\b/],
  ])("in %s has one word for each thing", (language, others) => {
    const texts = [...CATALOGUES[language]].filter(([, text]) => others.test(text));
    // What is older than the server is not what is stale.
    expect(texts.map(([key]) => key).filter((key) => key !== "unsupported.title")).toEqual([]);
  });

  it("speaks of IPs, and of addresses only where a page or a server has one", () => {
    const addresses = (language: Language) =>
      [...CATALOGUES[language]].filter(([, text]) => /address|adres/i.test(text)).map(([key]) => key);
    const places = ["connection.lostNever", "cause.redirect", "causeDo.certificate", "causeDo.redirect"];
    for (const language of BOTH) {
      expect(places).toEqual(expect.arrayContaining(addresses(language)));
    }
  });
});
