/** Bad documents, polls, sleep and floods, over real sockets. */

import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { attach } from "../../src/live/attach";
import { answer, connect, documentText, frame, openStream, refuse, scripted, smallText, until } from "./server";

describe("a bad document", () => {
  const poisons: [string, string][] = [
    ["no JSON", "{]"],
    ["nothing", ""],
    ["null", "null"],
    ["a list", "[]"],
    ["no accounts", documentText("6-6", { accounts: undefined })],
    ["accounts that are none", documentText("6-6", { accounts: [{ balances: 3 }] })],
    ["a version that is a text", documentText("6-6", { schemaVersion: "1" })],
    ["a number for an amount", documentText("6-6", { pegs: [1] })],
  ];

  it.each(poisons)("(%s) is a lost stream: told, counted, survived, and no tight loop", async (_name, poison) => {
    const server = await scripted();
    const { state, states } = connect(server, { limits: { streamAgainMs: 60_000, steadyMs: 0 } });
    await until(() => state().status === "live");
    server.stream = (_request, response) => openStream(response, frame(poison));
    server.poll = (_request, response) => answer(response, 200, poison);
    for (const response of server.open) {
      response.write(frame(poison));
    }
    await until(() => state().status === "offline");
    expect(state().lastErrorKind).toBe("broken");
    expect(state().lastError).not.toContain("6-6");
    expect(state().document?.version).toBe("1-1");
    expect(state().attempts).toBeGreaterThan(0);
    const [polls, begun] = [server.polls.length, performance.now()];
    await until(() => performance.now() - begun > 300);
    expect(server.streams.length).toBeLessThanOrEqual(5);
    expect(server.polls.length - polls, "30 to 100 ms apart, half of it at least").toBeLessThan(15);
    server.poll = (_request, response) => answer(response, 200, documentText("8-8"));
    await until(() => state().document?.version === "8-8");
    expect(states.every(({ document }, index) => index === 0 || document !== null)).toBe(true);
  });

  it("of bytes that are no text is refused, not shown with holes", async () => {
    const server = await scripted();
    const AT = 0x40;
    const bytes = new TextEncoder().encode(frame(documentText("1-1", { pegs: ["@@@@"] })));
    bytes[bytes.findIndex((byte, index) => byte === AT && bytes[index + 1] === AT)] = 0xff;
    server.stream = (_request, response) => {
      openStream(response);
      response.write(bytes);
    };
    server.poll = (_request, response) => refuse(response, 500, "internal_error");
    const { state, states } = connect(server);
    await until(() => state().status === "offline" && server.streams.length >= 3);
    expect(state().document).toBeNull();
    expect(states.some(({ lastErrorKind }) => lastErrorKind === "broken")).toBe(true);
  });

  it("of a newer schema is told of, and what is known stays; the next that is understood ends it", async () => {
    const server = await scripted();
    const { state } = connect(server);
    await until(() => state().status === "live");
    const send = (text: string) => {
      for (const response of server.open) {
        response.write(frame(text));
      }
    };
    send(JSON.stringify({ schemaVersion: 2, everything: "else" }));
    await until(() => state().unsupported !== null);
    expect(state().unsupported).toEqual({ schemaVersion: 2 });
    expect(state().document?.version).toBe("1-1");
    expect(state().status).toBe("live");
    send(documentText("1-2"));
    await until(() => state().unsupported === null);
    expect(state().document?.version).toBe("1-2");
    expect(server.streams).toHaveLength(1);
  });

  it("of a newer schema at the very start is told of just as well, also by polls", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    server.poll = (_request, response) => answer(response, 200, '{"schemaVersion":3}', { ETag: '"3"' });
    const { state } = connect(server);
    await until(() => state().status === "polling");
    expect(state().unsupported).toEqual({ schemaVersion: 3 });
    expect(state().document).toBeNull();
  });

  it.each([
    ["in one line", (text: string) => frame(text)],
    ["in many lines", (text: string) => `data: ${text.replaceAll("x", "x\ndata: ")}\n\n`],
    ["without an end", (text: string) => `data: ${text}`],
  ])("that is too large (%s) is refused, and polls take over", async (_name, framed) => {
    const server = await scripted();
    server.stream = (_request, response) => openStream(response, framed(JSON.stringify("x".repeat(60_000))));
    const { state } = connect(server, { limits: { documentLengthMax: 50_000 } });
    await until(() => state().status === "polling");
    expect(state().lastErrorKind).toBe("too_large");
    expect(server.streams).toHaveLength(1);
    server.poll = (_request, response) => answer(response, 200, JSON.stringify("x".repeat(60_000)));
    await until(() => state().status === "offline");
    expect(state().lastErrorKind).toBe("too_large");
  });
});

describe("polls", () => {
  it("ask only for what is newer, and what is not changes nothing", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    let version = "1-1";
    server.poll = (request, response) => {
      const etag = `W/"${version}"`;
      const known = request.headers["if-none-match"] === etag;
      answer(response, known ? 304 : 200, known ? "" : documentText(version), { ETag: etag });
    };
    const { state, states } = connect(server, { limits: { streamAgainMs: 600_000 } });
    await until(() => server.polls.length >= 2);
    const before = state();
    const told = states.length;
    await until(() => server.polls.length >= 8);
    expect(server.polls[0]?.headers["if-none-match"]).toBeUndefined();
    expect(server.polls.slice(1).every(({ headers }) => headers["if-none-match"] === 'W/"1-1"')).toBe(true);
    expect(state()).toBe(before);
    expect(states.length).toBe(told);
    version = "1-2";
    await until(() => state().document?.version === "1-2");
  });

  it("that fail mean offline; the first that succeeds brings the stream back at once", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "starting");
    server.poll = (_request, response) => refuse(response, 500, "internal_error");
    const { state, states } = connect(server, { limits: { streamAgainMs: 60 } });
    await until(() => state().status === "offline" && server.polls.length > 4);
    expect(state().lastErrorKind).toBe("server");
    expect(state().lastError).toBe("said of internal_error");
    const since = state().since;
    await until(() => server.polls.length > 8);
    const streams = server.streams.length;
    const told = states.length;
    await until(() => server.streams.length > streams + 2);
    expect(states.slice(told).every(({ lastErrorKind }) => lastErrorKind === "server")).toBe(true);
    expect(state().since, "it is one trouble, however often it is tried").toBe(since);
  });

  it("that succeed after they had failed bring the stream back at once", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "starting");
    server.poll = (_request, response) => refuse(response, 500, "internal_error");
    const { state } = connect(server, { limits: { streamAgainMs: 600_000 } });
    await until(() => state().status === "offline" && server.polls.length > 2);
    server.stream = (_request, response) => openStream(response, frame(documentText("1-2")));
    server.poll = (_request, response) => answer(response, 200, documentText("1-1"));
    await until(() => state().status === "live");
    expect(state().document?.version).toBe("1-2");
  });

  it("that are under way when a stream comes are forgotten", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    server.poll = () => undefined;
    const { state, states } = connect(server);
    await until(() => server.polls.length === 1);
    server.stream = (_request, response) => openStream(response, frame(documentText("1-1")));
    await until(() => state().status === "live" && server.open.size === 1);
    const told = states.length;
    const begun = performance.now();
    await until(() => performance.now() - begun > 300);
    expect(server.polls).toHaveLength(1);
    expect(states.length).toBe(told);
  });

  it("that are not answered in time count as failed", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    server.poll = (_request, response) => {
      response.writeHead(200);
      response.write("{");
    };
    const { state } = connect(server, { limits: { firstDocumentMs: 150 } });
    await until(() => state().status === "offline");
    expect(state().lastErrorKind).toBe("timeout");
    await until(() => server.polls.length >= 3);
  });

  it.each([
    [401, "unauthorised"],
    [404, "not_found"],
  ])("answered with %i end the polling: %s", async (status, kind) => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    server.poll = (_request, response) => refuse(response, status, kind);
    const { state } = connect(server, { limits: { streamAgainMs: 100 } });
    await until(() => state().status === kind);
    server.stream = (_request, response) => refuse(response, status, kind);
    const streams = server.streams.length;
    const begun = performance.now();
    await until(() => performance.now() - begun > 300);
    expect(server.polls).toHaveLength(1);
    expect(server.streams.length > streams, "without a token nothing is tried").toBe(status === 404);
  });
});

describe("after sleep", () => {
  const HOUR_MS = 3_600_000;

  it("a stream that was silent for longer than a heartbeat is opened anew on waking", async () => {
    const server = await scripted();
    let offset = 0;
    const now = () => Date.now() + offset;
    const { connection, state } = connect(server, { now, limits: { watchMs: 600_000, steadyMs: 0 } });
    await until(() => state().status === "live");
    connection.wake();
    expect(server.streams, "a stream that is well is left alone").toHaveLength(1);
    expect(state().status).toBe("live");
    server.stream = (_request, response) => openStream(response, frame(documentText("5-5")));
    offset = HOUR_MS;
    connection.wake();
    expect(state().status).toBe("reconnecting");
    await until(() => state().document?.version === "5-5");
    expect(server.streams).toHaveLength(2);
  });

  it("that nobody tells of, a late timer tells, and a long wait ends", async () => {
    const server = await scripted();
    let offset = 0;
    const limits = { backoffFirstMs: HOUR_MS, backoffMaxMs: HOUR_MS, watchMs: 20 };
    server.stream = (_request, response) => refuse(response, 500, "internal_error");
    const { state } = connect(server, { now: () => Date.now() + offset, limits });
    await until(() => state().attempts === 1);
    server.stream = (_request, response) => openStream(response, frame(documentText("1-1")));
    offset = 60_000;
    await until(() => state().status === "live");
  });

  it("a clock that was set back does not make a dead stream look alive for an hour", async () => {
    const server = await scripted();
    let offset = 0;
    const { state } = connect(server, {
      now: () => Date.now() + offset,
      limits: { silenceMs: 300, steadyMs: 0, watchMs: 20 },
    });
    await until(() => state().status === "live");
    offset = -HOUR_MS;
    await until(() => server.streams.length >= 2);
  });

  it.each(["online", "pageshow", "visibilitychange"])("the page's %s ends a long wait", async (type) => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 500, "internal_error");
    const limits = { backoffFirstMs: HOUR_MS, backoffMaxMs: HOUR_MS };
    const { connection, state } = connect(server, { limits });
    const page = new EventTarget();
    const visibility = Object.assign(new EventTarget(), { hidden: true });
    const detach = attach(connection, page, visibility);
    await until(() => state().attempts === 1);
    visibility.dispatchEvent(new Event("visibilitychange"));
    const hidden = performance.now();
    await until(() => performance.now() - hidden > 100);
    expect(server.streams, "hiding is no waking").toHaveLength(1);
    visibility.hidden = false;
    (type === "visibilitychange" ? visibility : page).dispatchEvent(new Event(type));
    await until(() => server.streams.length === 2 && server.open.size === 0);
    detach();
    page.dispatchEvent(new Event("online"));
    visibility.dispatchEvent(new Event("visibilitychange"));
    const begun = performance.now();
    await until(() => performance.now() - begun > 200);
    expect(server.streams).toHaveLength(2);
  });
});

describe("a flood", () => {
  it("of 10 000 states is shown frame by frame, ends with the newest, and leaves nothing behind", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const heap = () => {
      collect();
      return memoryUsage().heapUsed;
    };
    const server = await scripted();
    let response = null as Parameters<typeof openStream>[0] | null;
    server.stream = (_request, opened) => {
      response = opened;
      openStream(opened, frame(smallText("0-0")));
    };
    const { connection, state } = connect(server);
    let told = 0;
    connection.subscribe(() => {
      told += 1;
    });
    await until(() => state().status === "live");
    const flood = async (begin: number, end: number) => {
      for (let index = begin; index <= end; index += 1) {
        if (response?.write(frame(smallText(`1-${index}`))) === false) {
          await new Promise<void>((done) => response?.once("drain", done));
        }
      }
      await until(() => state().document?.version === `1-${end}`);
    };
    const begun = performance.now();
    await flood(1, 3_000);
    const early = heap();
    await flood(3_001, 10_000);
    const frames = (performance.now() - begun) / 16;
    expect(told).toBeLessThanOrEqual(Math.ceil(frames) + 4);
    expect(heap() - early, "bytes").toBeLessThan(2_000_000);
    expect(server.streams).toHaveLength(1);
  }, 30_000);
});
