/** What a known document outlives: an api that was started anew, and polls that hang; and until when it was true. */

import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import {
  answer,
  connect,
  documentText,
  frame,
  openStream,
  refuse,
  type Scripted,
  scripted,
  smallText,
  until,
} from "./server";

const LOADING = { bus: { state: "loading", since: null, reason: null } };
const UNREAD = smallText("", { version: null, updatedAt: null, ...LOADING });
const HOUR_MS = 3_600_000;

function hangUp(server: Scripted): void {
  for (const response of server.open) {
    response.end();
  }
}

function passed(milliseconds: number): Promise<void> {
  const begun = performance.now();
  return until(() => performance.now() - begun > milliseconds);
}

describe("an api that was started anew", () => {
  it("and has read nothing yet takes no known document away, until it has", async () => {
    const server = await scripted();
    const { state, states } = connect(server);
    await until(() => state().status === "live");
    let stream = null as ServerResponse | null;
    server.stream = (_request, response) => {
      stream = response;
      openStream(response, frame(UNREAD));
    };
    hangUp(server);
    await until(() => state().lastErrorKind === "starting");
    expect(state().status).toBe("reconnecting");
    expect(state().document?.version).toBe("1-1");
    const told = states.length;
    stream?.write(frame(documentText("2-1")));
    await until(() => state().status === "live");
    expect(state().document?.version).toBe("2-1");
    expect(state().lastErrorKind).toBeNull();
    expect(states.slice(told).every(({ document }) => document?.version === "2-1")).toBe(true);
    expect(states.slice(1).every(({ document }) => document?.version !== null)).toBe(true);
  });

  it("and never has anything is believed in the end, also when it says so only once", async () => {
    const server = await scripted();
    const { state } = connect(server, { limits: { unreadMs: 300 } });
    await until(() => state().status === "live");
    server.stream = (_request, response) => openStream(response, frame(UNREAD));
    hangUp(server);
    await until(() => state().lastErrorKind === "starting");
    await until(() => state().document?.version === null);
    expect(state().status).toBe("live");
    expect(state().lastErrorKind).toBeNull();
  });

  it("does the same where only polls come through", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    const { state } = connect(server, { limits: { streamAgainMs: 600_000, unreadMs: 400 } });
    await until(() => state().status === "polling");
    server.poll = (_request, response) => answer(response, 200, UNREAD, { ETag: '"none"' });
    await until(() => state().lastErrorKind === "starting");
    expect(state().status).toBe("reconnecting");
    expect(state().document?.version).toBe("1-1");
    await until(() => state().status === "polling");
    expect(state().document?.version).toBeNull();
  });

  it("may have lost its accounts in truth: a document with a version is believed at once", async () => {
    const server = await scripted();
    const { state } = connect(server);
    await until(() => state().status === "live");
    for (const response of server.open) {
      response.write(frame(smallText("1-2")));
    }
    await until(() => state().document?.version === "1-2");
    expect(state().document?.accounts).toEqual([]);
    expect(state().status).toBe("live");
  });

  it("does not know the portfolio for a moment, and is asked again", async () => {
    const server = await scripted();
    const { state, states } = connect(server);
    await until(() => state().status === "live");
    server.stream = (_request, response) => refuse(response, 404, "not_found");
    hangUp(server);
    await until(() => state().lastErrorKind === "not_found" && server.streams.length >= 4);
    expect(state().status).toBe("reconnecting");
    server.stream = (_request, response) => openStream(response, frame(documentText("2-1")));
    await until(() => state().status === "live");
    expect(states.some(({ status }) => status === "not_found")).toBe(false);
  });

  it("that never knows it again is believed in the end", async () => {
    const server = await scripted();
    const { state } = connect(server, { limits: { missingMs: 200 } });
    await until(() => state().status === "live");
    server.stream = (_request, response) => refuse(response, 404, "not_found");
    hangUp(server);
    await until(() => state().status === "not_found");
    expect(state().document?.version).toBe("1-1");
  });
});

describe("what is known was true", () => {
  it("until the last heartbeat of a stream, not only until its last state", async () => {
    const server = await scripted();
    let offset = 0;
    const now = () => Date.now() + offset;
    let stream = null as ServerResponse | null;
    server.stream = (_request, response) => {
      stream = response;
      openStream(response, frame(documentText("1-1")));
    };
    const { state } = connect(server, { now });
    await until(() => state().status === "live");
    const came = state().receivedAt ?? 0;
    offset = 14_000;
    stream?.write(": ping\r\n\r\n");
    await passed(100);
    server.stream = () => undefined;
    hangUp(server);
    await until(() => state().status === "reconnecting");
    expect((state().aliveAt ?? 0) - came).toBeGreaterThanOrEqual(14_000);
    expect(state().receivedAt).toBe(came);
  });

  it("until before a newer one came that cannot be read", async () => {
    const server = await scripted();
    let offset = 0;
    const { state } = connect(server, { now: () => Date.now() + offset });
    await until(() => state().status === "live");
    const came = state().receivedAt ?? 0;
    offset = 14_000;
    for (const response of server.open) {
      response.write(frame("{]"));
    }
    server.stream = () => undefined;
    await until(() => state().lastErrorKind === "broken");
    expect((state().aliveAt ?? 0) - came).toBeLessThan(10_000);
  });

  it("until the last poll that found nothing newer, which is itself no news", async () => {
    const server = await scripted();
    let offset = 0;
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    server.poll = (request, response) => {
      const known = request.headers["if-none-match"] !== undefined;
      answer(response, known ? 304 : 200, known ? "" : documentText("1-1"), { ETag: '"1-1"' });
    };
    const { state } = connect(server, { now: () => Date.now() + offset, limits: { streamAgainMs: 600_000 } });
    await until(() => state().status === "polling");
    const came = state().receivedAt ?? 0;
    offset = 4_000;
    const polls = server.polls.length;
    await until(() => server.polls.length > polls + 2);
    server.poll = (_request, response) => refuse(response, 500, "internal_error");
    await until(() => state().status === "offline");
    expect((state().aliveAt ?? 0) - came).toBeGreaterThanOrEqual(4_000);
    expect(state().receivedAt).toBe(came);
  });
});

describe("a poll that hangs", () => {
  const byPolls = { streamAgainMs: 600_000, connectMs: 600_000, firstDocumentMs: 600_000 };

  it("from before sleep is given up on waking, and what is shown is no longer called current", async () => {
    const server = await scripted();
    let offset = 0;
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    const limits = { ...byPolls, watchMs: 600_000, pollMs: 1_000 };
    const { connection, state } = connect(server, { now: () => Date.now() + offset, limits });
    await until(() => state().status === "polling");
    server.poll = () => undefined;
    await until(() => server.polls.length === 2);
    connection.wake();
    expect(state().status, "it was asked only just now").toBe("polling");
    offset = 8 * HOUR_MS;
    connection.wake();
    expect(state().status).toBe("reconnecting");
    expect(state().since - (state().aliveAt ?? 0)).toBeGreaterThan(HOUR_MS);
    await until(() => server.polls.length === 3);
    server.poll = (_request, response) => answer(response, 200, documentText("2-1"));
    offset += HOUR_MS;
    connection.wake();
    await until(() => state().status === "polling");
    expect(state().document?.version).toBe("2-1");
  });

  it("in the middle of its answer is soon not called polling any more, and may still come", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    const { state } = connect(server, { limits: { ...byPolls, connectMs: 300 } });
    await until(() => state().status === "polling");
    let late = null as ServerResponse | null;
    server.poll = (_request, response) => {
      late = response;
      response.writeHead(200);
      response.write(" ");
    };
    await until(() => state().status === "reconnecting");
    expect(state().lastErrorKind).toBe("timeout");
    late?.end(documentText("1-2"));
    await until(() => state().document?.version === "1-2");
    expect(state().status).toBe("polling");
  });
});
