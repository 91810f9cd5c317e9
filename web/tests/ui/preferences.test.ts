import { afterEach, describe, expect, it, vi } from "vitest";
import type * as Module from "../../src/ui/preferences";

/** What the module finds of a browser when it is loaded, and what it may do there. */
interface Browser {
  readonly languages?: readonly string[];
  readonly search?: string;
  readonly stored?: Readonly<Record<string, string>>;
  readonly isStorageOff?: boolean;
}

/** Loads the page's choices anew, as a browser does with each visit. */
async function visit({ languages = ["en-GB"], search = "", stored = {}, isStorageOff = false }: Browser = {}) {
  const kept = new Map(Object.entries(stored));
  const storage = { getItem: (name: string) => kept.get(name) ?? null, setItem: kept.set.bind(kept) };
  const root = { lang: "", dataset: { theme: "" } };
  vi.resetModules();
  vi.stubGlobal("document", { documentElement: root });
  vi.stubGlobal("location", { search });
  vi.stubGlobal("navigator", { languages });
  vi.stubGlobal("localStorage", storage);
  if (isStorageOff) {
    Object.defineProperty(globalThis, "localStorage", {
      configurable: true,
      get: () => {
        throw new Error("The operation is insecure.");
      },
    });
  }
  const module: typeof Module = await import("../../src/ui/preferences");
  return { ...module, root, stored: () => Object.fromEntries(kept) };
}

afterEach(() => vi.unstubAllGlobals());

describe("the choices of a first visit", () => {
  it("are plain: dollars, the system's theme, nothing hidden, the largest value first", async () => {
    const { preferences, stored } = await visit();
    expect(preferences()).toEqual({
      language: "en",
      theme: "system",
      currency: "USD",
      hidden: false,
      hideSmall: false,
      sort: { column: "value", descending: true },
    });
    expect(stored()).toEqual({});
  });

  it.each([
    [["tr-TR", "en"], "tr"],
    [["de-DE", "tr"], "tr"],
    [["en-US", "tr"], "en"],
    [["TR"], "tr"],
    [["de", "fr"], "en"],
    [[], "en"],
    // A language of its own, whose name begins like another one's.
    [["trv-TW", "en"], "en"],
    [["trv-TW"], "en"],
  ])("for a browser of %j are in %s", async (languages, language) => {
    const { preferences, root } = await visit({ languages });
    expect(preferences().language).toBe(language);
    expect(root.lang).toBe(language);
  });
});

describe("the language", () => {
  it("of the address goes before that of the last visit, and that before the browser's", async () => {
    const stored = { "spark.language": "en" };
    expect((await visit({ languages: ["tr"], stored, search: "?lang=tr" })).preferences().language).toBe("tr");
    expect((await visit({ languages: ["tr"], stored })).preferences().language).toBe("en");
  });

  it.each(["?lang=de", "?lang=", "?lang=__proto__", "?language=en"])("of %s says nothing", async (search) => {
    expect((await visit({ languages: ["tr"], search })).preferences().language).toBe("tr");
  });
});

describe("what was stored", () => {
  it("comes back on the next visit, all of it", async () => {
    const chosen = {
      language: "tr",
      theme: "dark",
      currency: "TRY",
      hidden: true,
      hideSmall: true,
      sort: { column: "asset", descending: false },
    } as const;
    const first = await visit();
    first.choose(chosen);
    expect(first.preferences()).toEqual(chosen);
    const second = await visit({ stored: first.stored() });
    expect(second.preferences()).toEqual(chosen);
    expect(second.root).toEqual({ lang: "tr", dataset: { theme: "dark" } });
  });

  it("is taken back by choosing again", async () => {
    const stored = { "spark.hidden": "yes", "spark.hideSmall": "yes", "spark.sort": "asset ascending" };
    const first = await visit({ stored });
    expect(first.preferences()).toMatchObject({ hidden: true, hideSmall: true });
    first.choose({ hidden: false, hideSmall: false, sort: { column: "asset", descending: true } });
    const { preferences } = await visit({ stored: first.stored() });
    expect(preferences()).toMatchObject({
      hidden: false,
      hideSmall: false,
      sort: { column: "asset", descending: true },
    });
  });

  it.each([
    ["theme", "blue"],
    ["currency", "GBP"],
    ["currency", "constructor"],
    ["hidden", "true"],
    ["hideSmall", ""],
    ["sort", "wallet descending"],
    ["sort", ""],
    ["language", "de"],
  ])("as %s and is none of ours, %j, is as if it were not there", async (name, value) => {
    const plain = (await visit()).preferences();
    expect((await visit({ stored: { [`spark.${name}`]: value } })).preferences()).toEqual(plain);
  });

  it("is only what was chosen, under names of our own", async () => {
    const { choose, stored } = await visit();
    choose({ currency: "BTC" });
    expect(stored()).toEqual({ "spark.currency": "BTC" });
  });
});

describe("a browser without storage", () => {
  it("keeps the choices as long as the page", async () => {
    const { preferences, choose, root } = await visit({ isStorageOff: true, languages: ["tr"] });
    expect(preferences().language).toBe("tr");
    choose({ language: "en", theme: "light" });
    expect(preferences()).toMatchObject({ language: "en", theme: "light" });
    expect(root).toEqual({ lang: "en", dataset: { theme: "light" } });
  });
});
