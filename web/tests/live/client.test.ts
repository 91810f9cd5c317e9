/** The calls of the api, over real sockets. */

import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { Client, type ClientOptions } from "../../src/api/client";
import { answer, refuse, type Scripted, scripted, until } from "./server";

const OUTCOME = {
  id: "a1",
  portfolio: "main",
  accounts: [{ exchange: "binance", account: "main", refreshed: true, message: "Read." }],
};

const EXPLANATION = {
  portfolio: "main",
  version: "1-1",
  updatedAt: "2026-11-23T04:00:00.000Z",
  asset: "BTC",
  exchange: null,
  balances: [],
  prices: [],
  total: "0",
  valueUsdExact: null,
  valueUsd: null,
  unpriced: "0",
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  request.on("data", (chunk) => parts.push(chunk));
  await new Promise<void>((done) => request.on("end", done));
  return new TextDecoder().decode(parts[0]);
}

async function started(more: ClientOptions = {}): Promise<{ server: Scripted; client: Client }> {
  const server = await scripted();
  return { server, client: new Client({ baseUrl: server.url, ...more }) };
}

describe("the client", () => {
  it("asks for a refresh with what was named, as JSON and with the token", async () => {
    const { server, client } = await started();
    let body = "";
    server.other = async (request, response) => {
      body = `${request.method} ${request.headers["content-type"]} ${await bodyOf(request)}`;
      answer(response, 200, JSON.stringify(OUTCOME));
    };
    const result = await client.refresh({ exchange: "binance", account: "main" }, "secret");
    expect(result).toEqual({ ok: true, value: OUTCOME });
    expect(body).toBe('POST application/json {"portfolio":null,"exchange":"binance","account":"main"}');
    expect(server.seen[0]?.headers.authorization).toBe("Bearer secret");
    expect(server.seen[0]?.path).toBe("/api/portfolio/refresh");
  });

  it("asks for an explanation of any name, and sends no token where there is none", async () => {
    const { server, client } = await started();
    server.other = (_request, response) => answer(response, 200, JSON.stringify(EXPLANATION));
    const result = await client.explain({ asset: "币&=#+ ı", exchange: "btcturk", portfolio: "p" }, null);
    expect(result).toEqual({ ok: true, value: EXPLANATION });
    const url = new URL(server.seen[0]?.path ?? "", server.url);
    expect(Object.fromEntries(url.searchParams)).toEqual({ asset: "币&=#+ ı", exchange: "btcturk", portfolio: "p" });
    expect(server.seen[0]?.headers.authorization).toBeUndefined();
  });

  it("lists the portfolios", async () => {
    const { server, client } = await started();
    const names = { portfolios: ["main", "second"], default: "main" };
    server.other = (_request, response) => answer(response, 200, JSON.stringify(names));
    expect(await client.portfolios("read")).toEqual({ ok: true, value: names });
    expect(server.seen[0]?.headers.authorization).toBe("Bearer read");
  });

  it.each([
    [401, "unauthorised", "unauthorised"],
    [403, "writes_off", "writes_off"],
    [403, "cross_site", "refused"],
    [404, "no_account", "not_found"],
    [400, "bad_body", "refused"],
    [503, "bus_away", "server"],
    [500, "internal_error", "server"],
  ])("tells of %i %s as %s", async (status, code, kind) => {
    const { server, client } = await started();
    server.other = (_request, response) => refuse(response, status, code);
    const result = await client.refresh({}, null);
    const error = { kind, code, status, message: `said of ${code}`, retryAfterSeconds: null };
    expect(result).toEqual({ ok: false, error });
  });

  it("tells when the next try is taken", async () => {
    const { server, client } = await started();
    server.other = (_request, response) => refuse(response, 429, "too_many", { "Retry-After": "42" });
    const result = await client.refresh({}, "t");
    expect(result).toMatchObject({ ok: false, error: { kind: "too_many", retryAfterSeconds: 42 } });
  });

  it.each(["{}", "[", "null", JSON.stringify({ ...OUTCOME, accounts: [{ exchange: 1 }] })])(
    "takes %s for no answer",
    async (body) => {
      const { server, client } = await started();
      server.other = (_request, response) => answer(response, 200, body);
      expect(await client.refresh({}, "t")).toMatchObject({ ok: false, error: { kind: "server" } });
    },
  );

  it("gives up on an answer that does not come, or does not end", async () => {
    const { server, client } = await started({ refreshMs: 300, readMs: 300 });
    server.other = () => undefined;
    expect(await client.refresh({}, "t")).toMatchObject({ ok: false, error: { kind: "timeout" } });
    server.other = (_request, response) => {
      response.writeHead(200);
      response.write("{");
    };
    expect(await client.explain({ asset: "BTC" }, null)).toMatchObject({ ok: false, error: { kind: "timeout" } });
    await until(() => server.open.size === 0);
  });

  it("tells of a server that is not there, and never shows a token", async () => {
    const { server, client } = await started();
    await server.kill();
    const result = await client.refresh({}, "secret");
    expect(result).toMatchObject({ ok: false, error: { kind: "network" } });
    expect(JSON.stringify(await client.refresh({}, "sec\nret"))).not.toContain("sec");
    expect(await client.refresh({}, "sec\nret")).toMatchObject({ ok: false, error: { kind: "unauthorised" } });
  });

  it("ends a call that nobody waits for any more", async () => {
    const { server, client } = await started();
    server.other = () => undefined;
    const control = new AbortController();
    const call = client.explain({ asset: "BTC" }, null, control.signal);
    await until(() => server.open.size === 1);
    control.abort();
    expect(await call).toMatchObject({ ok: false, error: { kind: "network" } });
    await until(() => server.open.size === 0);
  });
});
