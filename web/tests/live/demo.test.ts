/** Against the real api, where its address is given: SPARK_URL=http://127.0.0.1:4001 with `up --demo` behind it. */

import { env } from "node:process";
import { describe, expect, it } from "vitest";
import { Client } from "../../src/api/client";
import { ageOf } from "../../src/live/clock";
import { Connection } from "../../src/live/connection";
import { until } from "./server";

const baseUrl = env.SPARK_URL ?? "";

describe.skipIf(baseUrl === "")("the real api", () => {
  it("streams states that are understood, with ages that are right", async () => {
    const connection = new Connection({ baseUrl });
    connection.start();
    try {
      await until(() => connection.getSnapshot().status === "live");
      const first = connection.getSnapshot().document;
      await until(() => connection.getSnapshot().document?.version !== first?.version, "a second state");
      const state = connection.getSnapshot();
      expect(state.unsupported).toBeNull();
      expect(Math.abs(state.serverSkewMs), "one machine, one clock").toBeLessThan(1_500);
      const account = state.document?.accounts[0];
      expect(ageOf(account?.asOf ?? "", state, Date.now())).toBeLessThan(120);
    } finally {
      connection.stop();
    }
  });

  it("explains, lists and refuses as the client expects", async () => {
    const client = new Client({ baseUrl });
    const explained = await client.explain({ asset: "BTC" }, null);
    expect(explained).toMatchObject({ ok: true, value: { asset: "BTC" } });
    expect(await client.portfolios(null)).toMatchObject({ ok: true, value: { default: "main" } });
    expect(await client.explain({ asset: "NOSUCH" }, null)).toMatchObject({ ok: false, error: { kind: "not_found" } });
    const refused = await client.refresh({}, null);
    expect(refused.ok || ["unauthorised", "writes_off"].includes(refused.error.kind)).toBe(true);
  });

  it("does not know every portfolio", async () => {
    const connection = new Connection({ baseUrl, portfolio: "nobodys" });
    connection.start();
    await until(() => connection.getSnapshot().status === "not_found");
    connection.stop();
  });
});
