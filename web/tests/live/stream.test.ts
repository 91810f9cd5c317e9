/** The stream over real sockets: what comes, in whatever pieces, and what is done when it stops. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connect, documentText, frame, openStream, refuse, scripted, smallText, until } from "./server";

describe("a stream", () => {
  it("shows what comes, with one notification for each", async () => {
    const server = await scripted();
    const { state, states } = connect(server);
    await until(() => state().status === "live");
    expect(state().document?.version).toBe("1-1");
    expect(state().lastError).toBeNull();
    expect(state().receivedAt).toBeTypeOf("number");
    const before = states.length;
    for (const response of server.open) {
      response.write(frame(documentText("1-2")));
    }
    await until(() => state().document?.version === "1-2");
    expect(states.length).toBe(before + 1);
    expect(states.at(-1)).toBe(state());
    expect(Object.isFrozen(state())).toBe(true);
    expect(server.streams).toHaveLength(1);
  });

  it("asks for the portfolio it was told, and only for it", async () => {
    const server = await scripted();
    const { state } = connect(server, { portfolio: "a&b" });
    await until(() => state().status === "live");
    expect(server.streams[0]?.path).toBe("/api/portfolio/stream?portfolio=a%26b");
  });

  it("takes one document out of bytes cut anywhere, in the middle of characters too", async () => {
    const server = await scripted();
    const name = "İıŞğ 币安人生 🪙 ‮abc";
    const text = smallText("7-7", { pegs: [name, "\r\n"] });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), fc.constantFrom("\n", "\r\n"), async (cuts, end) => {
        const lines = [": ping", "", "retry: 2000", "id: 7-7", `data: ${text}`, "", ": ping", "", ""];
        const bytes = new TextEncoder().encode(lines.join(end));
        const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
        server.stream = (_request, response) => {
          openStream(response);
          void write(response, bytes, [...places, bytes.length]);
        };
        const { connection, state } = connect(server);
        await until(() => state().status === "live");
        expect(state().document?.pegs).toEqual([name, "\r\n"]);
        connection.stop();
      }),
      { numRuns: 25 },
    );
  });

  it("takes it byte by byte", async () => {
    const server = await scripted();
    const bytes = new TextEncoder().encode(frame(smallText("7-7", { pegs: ["币ı"] })));
    server.stream = (_request, response) => {
      openStream(response);
      void write(
        response,
        bytes,
        Array.from(bytes, (_byte, index) => index + 1),
      );
    };
    const { state } = connect(server);
    await until(() => state().status === "live");
    expect(state().document?.pegs).toEqual(["币ı"]);
  });

  it("does not lose the last state of a stream that ends right after it", async () => {
    const server = await scripted();
    const limits = { frameMs: 600_000, backoffFirstMs: 600_000, backoffMaxMs: 600_000 };
    const { state } = connect(server, { limits });
    await until(() => state().status === "live");
    for (const response of server.open) {
      response.end(frame(documentText("1-2")));
    }
    await until(() => state().status === "reconnecting");
    expect(state().document?.version).toBe("1-2");
  });

  it("ignores events of other names, and what is no field", async () => {
    const server = await scripted();
    server.stream = (_request, response) => {
      const other = `event: other\ndata: {}\n\n`;
      openStream(response, `${other}nonsense: 1\nretry: x\n${frame(documentText("1-5"))}${other}`);
    };
    const { state } = connect(server);
    await until(() => state().status === "live");
    expect(state().document?.version).toBe("1-5");
    expect(server.streams).toHaveLength(1);
  });
});

describe("a lost stream", () => {
  it("is resumed after the server was killed and started again, and the document stays all the while", async () => {
    const server = await scripted();
    const { state, states } = connect(server);
    await until(() => state().status === "live");
    await server.kill();
    await until(() => state().status === "offline");
    expect(state().lastErrorKind).toBe("network");
    expect(state().attempts).toBeGreaterThan(2);
    server.stream = (_request, response) => openStream(response, frame(documentText("2-1")));
    await server.start();
    await until(() => state().status === "live");
    expect(state().document?.version).toBe("2-1");
    expect(state().attempts).toBe(0);
    expect(states.slice(1).every(({ document }) => document !== null)).toBe(true);
  });

  it("that lived long enough is tried again at once, whatever the backoff", async () => {
    const server = await scripted();
    const limits = { steadyMs: 0, backoffFirstMs: 600_000, backoffMaxMs: 600_000 };
    const { state, states } = connect(server, { limits });
    await until(() => state().status === "live");
    server.stream = (_request, response) => openStream(response, frame(documentText("1-9")));
    for (const response of server.open) {
      response.end();
    }
    await until(() => state().document?.version === "1-9");
    expect(states.map(({ status }) => status)).toContain("reconnecting");
    expect(states.find(({ status }) => status === "reconnecting")?.lastErrorKind).toBe("closed");
  });

  it("is noticed when the server only goes silent", async () => {
    const server = await scripted();
    const { state, states } = connect(server, { limits: { silenceMs: 250, steadyMs: 0 } });
    await until(() => server.streams.length >= 2);
    await until(() => states.some(({ lastErrorKind }) => lastErrorKind === "silent"));
    expect(state().document).not.toBeNull();
  });

  it("is not seen in a stream that has heartbeats and nothing else to say", async () => {
    const server = await scripted();
    server.stream = (_request, response) => {
      openStream(response, frame(documentText("1-1")));
      const beat = setInterval(() => response.write(": ping\r\n\r\n"), 20);
      response.on("close", () => clearInterval(beat));
    };
    const { state, states } = connect(server, { limits: { silenceMs: 1_500 } });
    await until(() => state().status === "live");
    const begun = performance.now();
    const told = states.length;
    await until(() => performance.now() - begun > 3_500);
    expect(state().status).toBe("live");
    expect(server.streams).toHaveLength(1);
    expect(states.length, "a heartbeat is no news").toBe(told);
  });

  it("is seen in one that has heartbeats and never a state", async () => {
    const server = await scripted();
    server.stream = (_request, response) => {
      openStream(response);
      const beat = setInterval(() => response.write(": ping\r\n\r\n"), 20);
      response.on("close", () => clearInterval(beat));
    };
    const { state } = connect(server, { limits: { firstDocumentMs: 100 } });
    await until(() => state().status === "polling");
    expect(state().lastErrorKind).toBe("silent");
  });

  it("is given up on a server that accepts and never answers, and polls take over", async () => {
    const server = await scripted();
    server.stream = () => undefined;
    const { state } = connect(server, { limits: { connectMs: 200 } });
    await until(() => state().status === "polling");
    expect(server.streams.length).toBeGreaterThanOrEqual(3);
    expect(state().document?.version).toBe("1-1");
    expect(state().lastErrorKind).toBe("timeout");
  });

  it("leads to polls when it is an answer that is no stream", async () => {
    const server = await scripted();
    server.stream = (_request, response) => {
      response.writeHead(200, { "Content-Type": "text/html" });
      response.end("<html>log in</html>");
    };
    const { state } = connect(server);
    await until(() => state().status === "polling");
    expect(state().lastErrorKind).toBe("refused");
  });

  it("does not make a tight loop of a server that hangs up after each state", async () => {
    const server = await scripted();
    server.stream = (_request, response) => {
      openStream(response, frame(documentText("1-1")));
      response.end();
    };
    const { state } = connect(server, { limits: { streamAgainMs: 600_000 } });
    await until(() => state().status === "polling");
    await until(() => server.polls.length > 5);
    expect(server.streams).toHaveLength(3);
  });

  it("is not one that was stopped: nothing is asked after that, and the socket is closed", async () => {
    const server = await scripted();
    const { connection, state } = connect(server);
    await until(() => state().status === "live");
    connection.stop();
    await until(() => server.open.size === 0);
    expect(state().status).not.toBe("live");
    expect(state().document).not.toBeNull();
    const asked = server.seen.length;
    connection.wake();
    const begun = performance.now();
    await until(() => performance.now() - begun > 300);
    expect(server.seen).toHaveLength(asked);
  });
});

describe("a refusal", () => {
  it("for want of a token waits for one, and then reads with it", async () => {
    const server = await scripted();
    server.stream = (request, response) => {
      if (request.headers.authorization === "Bearer right") {
        openStream(response, frame(documentText("1-1")));
      } else {
        refuse(response, 401, "unauthorised");
      }
    };
    const { connection, state } = connect(server);
    await until(() => state().status === "unauthorised");
    expect(state().lastError).toBe("said of unauthorised");
    connection.wake();
    connection.setToken("wrong");
    await until(() => server.streams.length === 2 && state().status === "unauthorised");
    connection.setToken("Ş\n");
    await until(() => state().lastErrorKind === "unauthorised");
    expect(server.streams.length, "such a token cannot be sent at all").toBe(2);
    connection.setToken("right");
    await until(() => state().status === "live");
    expect(server.streams).toHaveLength(3);
    expect(server.polls).toHaveLength(0);
    connection.setToken(null);
    await until(() => state().status === "unauthorised");
    expect(state().document?.version, "nothing is ever blanked").toBe("1-1");
    await until(() => server.open.size === 0);
  });

  it("of an unknown portfolio is told, and ends when it becomes known", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 404, "not_found");
    const { state } = connect(server);
    await until(() => state().status === "not_found");
    expect(state().lastError).toBe("said of not_found");
    await until(() => server.streams.length >= 5);
    expect(state().status, "also after many tries").toBe("not_found");
    server.stream = (_request, response) => openStream(response, frame(documentText("1-1")));
    await until(() => state().status === "live");
    expect(server.polls).toHaveLength(0);
  });

  it("with 503, as all streams are taken, leads to polls at once, and to a stream when one is free", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    const { state } = connect(server);
    await until(() => state().status === "polling");
    expect(server.streams).toHaveLength(1);
    expect(state().lastErrorKind).toBe("busy");
    server.stream = (_request, response) => openStream(response, frame(documentText("1-2")));
    await until(() => state().status === "live");
    const polls = server.polls.length;
    const begun = performance.now();
    await until(() => performance.now() - begun > 200);
    expect(server.polls.length, "who has a stream does not poll").toBe(polls);
  });

  it.each([429, 500, 502])("with %i is asked again no sooner than it wants, whoever wakes", async (status) => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, status, "not_now", { "Retry-After": "1" });
    const { connection } = connect(server);
    await until(() => server.streams.length === 1);
    await until(() => {
      connection.wake();
      return server.streams.length >= 2;
    });
    const [first, second] = server.streams;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });
});

async function write(
  response: Parameters<typeof openStream>[0],
  bytes: Uint8Array,
  ends: readonly number[],
): Promise<void> {
  let begin = 0;
  for (const end of ends) {
    response.write(bytes.subarray(begin, end));
    begin = end;
    // A turn of the event loop, so that the pieces leave one by one.
    await new Promise((done) => setImmediate(done));
  }
}
