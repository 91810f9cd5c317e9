/** A real HTTP server on loopback that does what a test says, and what the tests know of documents. */

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, vi } from "vitest";
import { Connection, type ConnectionOptions } from "../../src/live/connection";
import type { PortfolioDocument } from "../../src/live/document";
import type { Limits } from "../../src/live/limits";
import type { ConnectionState } from "../../src/live/state";

export const SAMPLE_TEXT = readFileSync(new URL("./sample.json", import.meta.url), "utf8");
/** A condition that is not met after so long never will be, also on a busy machine. */
const PATIENCE_MS = 8_000;
vi.setConfig({ testTimeout: 4 * PATIENCE_MS });

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Seen {
  readonly path: string;
  readonly at: number;
  readonly headers: IncomingMessage["headers"];
}

export class Scripted {
  port = 0;
  stream: Handler = (_request, response) => openStream(response, frame(documentText("1-1")));
  poll: Handler = (_request, response) => answer(response, 200, documentText("1-1"));
  other: Handler = (_request, response) => answer(response, 404, "{}");
  readonly seen: Seen[] = [];
  readonly open = new Set<ServerResponse>();
  #server: Server | null = null;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get streams(): Seen[] {
    return this.seen.filter(({ path }) => path.startsWith("/api/portfolio/stream"));
  }

  get polls(): Seen[] {
    return this.seen.filter(({ path }) => /^\/api\/portfolio($|\?)/.test(path));
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      this.seen.push({ path, at: performance.now(), headers: request.headers });
      this.open.add(response);
      response.on("close", () => this.open.delete(response));
      if (path.startsWith("/api/portfolio/stream")) {
        this.stream(request, response);
      } else if (/^\/api\/portfolio($|\?)/.test(path)) {
        this.poll(request, response);
      } else {
        this.other(request, response);
      }
    });
    this.#server = server;
    await new Promise<void>((done, failed) => {
      server.on("error", failed);
      server.listen(this.port, "127.0.0.1", done);
    });
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  /** Die as a killed process does: every socket is cut and the port is free. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server !== null) {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    }
  }
}

/** Waits by retrying are short here; those that could make a busy machine's test fail are as in the real page. */
export const QUICK: Partial<Limits> = {
  backoffFirstMs: 20,
  backoffMaxMs: 100,
  pollMs: 30,
  pollBackoffFirstMs: 30,
  streamAgainMs: 150,
  wakeMs: 10,
  watchMs: 20,
};

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

export async function scripted(): Promise<Scripted> {
  const server = await new Scripted().start();
  cleanups.push(() => server.kill());
  return server;
}

export interface Watched {
  readonly connection: Connection;
  /** Every state that was told of, oldest first. */
  readonly states: ConnectionState[];
  readonly state: () => ConnectionState;
}

export function connect(server: Scripted, options: ConnectionOptions = {}): Watched {
  const connection = new Connection({ baseUrl: server.url, ...options, limits: { ...QUICK, ...options.limits } });
  const states: ConnectionState[] = [];
  connection.subscribe(() => states.push(connection.getSnapshot()));
  cleanups.push(() => connection.stop());
  connection.start();
  return { connection, states, state: connection.getSnapshot };
}

export function until(condition: () => boolean, what = "the condition"): Promise<void> {
  return vi.waitFor(
    () => {
      if (!condition()) {
        throw new Error(`${what} never came true`);
      }
    },
    { timeout: PATIENCE_MS, interval: 5 },
  );
}

export function sample(): PortfolioDocument {
  return JSON.parse(SAMPLE_TEXT) as PortfolioDocument;
}

export function documentText(version: string, change: object = {}): string {
  return JSON.stringify({ ...sample(), version, ...change });
}

/** A document without holdings, as it is before anything was read: small, where a test sends many. */
export function smallText(version: string, change: object = {}): string {
  const totals = { ...sample().totals, byAsset: [], byExchange: [], byWallet: [], reasons: [], unpriced: [] };
  return documentText(version, { accounts: [], sources: [], prices: [], rates: [], totals, ...change });
}

export function frame(text: string): string {
  return `id: 1-1\ndata: ${text}\n\n`;
}

export function openStream(response: ServerResponse, first = ""): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.flushHeaders();
  if (first !== "") {
    response.write(`retry: 2000\n${first}`);
  }
}

export function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(body);
}

export function refuse(
  response: ServerResponse,
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, JSON.stringify({ error, message: `said of ${error}` }), headers);
}
