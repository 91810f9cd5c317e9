import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EXCHANGES, exchangeTitle } from "../../src/exchanges";
import { tabsOf } from "../../src/model/tabs";
import { account, document } from "../build";
import { sample } from "../sample";

const template = readFileSync(new URL("../../../.env.template", import.meta.url), "utf8").split("\n");

describe("the exchanges that are known by name", () => {
  it("need settings that stand in .env.template, ready to be filled in", () => {
    for (const { name, settings } of EXCHANGES) {
      expect(settings.length, name).toBeGreaterThan(0);
      for (const setting of settings) {
        expect(template).toContain(`${setting}=`);
      }
    }
  });

  it("are all whose keys stand there, and all that a demo has", () => {
    const keys = template.filter((line) => line.endsWith("_API_KEY=") && !line.startsWith("#"));
    expect(EXCHANGES.flatMap(({ settings }) => settings).filter((one) => one.endsWith("_API_KEY"))).toEqual(
      keys.map((line) => line.slice(0, -1)),
    );
    expect(EXCHANGES.map(({ name }) => name)).toEqual(sample.accounts.map(({ exchange }) => exchange));
  });

  it("stand in the order of the tabs", () => {
    const tabs = tabsOf(document(EXCHANGES.map(({ name }) => account(name, [])).reverse()));
    expect(tabs.slice(1).map(({ id }) => id)).toEqual(EXCHANGES.map(({ name }) => name));
  });

  it("are written as they write themselves, and others as the data calls them", () => {
    expect(exchangeTitle("btcturk")).toBe("BTCTurk");
    for (const name of ["kraken", "__proto__", "constructor", ""]) {
      expect(exchangeTitle(name)).toBe(name);
    }
  });
});
