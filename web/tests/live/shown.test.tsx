/** What people are told of a connection. */

import { renderToStaticMarkup } from "react-dom/server";
import { IntlProvider } from "use-intl";
import { describe, expect, it } from "vitest";
import { MESSAGES } from "../../src/i18n/messages";
import type { FailureKind } from "../../src/live/failure";
import { isCurrent, mayBeCalm, shownStatus } from "../../src/live/shown";
import { type ConnectionState, type ConnectionStatus, initialState } from "../../src/live/state";
import { Banners } from "../../src/ui/Banner";
import { Connection, useIsOld } from "../../src/ui/Connection";
import { connect, refuse, sample, scripted, until } from "./server";

const NOW = 1_700_000_000_000;
const LOST: readonly ConnectionStatus[] = ["reconnecting", "offline"];

function stateOf(change: Partial<ConnectionState>): ConnectionState {
  const known = { document: sample(), receivedAt: NOW - 500, aliveAt: NOW - 500 };
  return { ...initialState(NOW), ...known, status: "live", settled: "live", ...change };
}

function busIs(state: "live" | "degraded" | "failed"): ConnectionState {
  const document = sample();
  document.bus.state = state;
  return stateOf({ document });
}

function markup(state: ConnectionState, part: "banners" | "word", language: "en" | "tr" = "en"): string {
  return renderToStaticMarkup(
    <IntlProvider locale={language} messages={MESSAGES[language]} timeZone="Europe/Istanbul">
      {part === "word" ? <Connection connection={state} /> : <Banners connection={state} onRetry={() => undefined} />}
    </IntlProvider>,
  );
}

function isOld(state: ConnectionState): boolean {
  let old: boolean | null = null;
  function Asks() {
    old = useIsOld(state);
    return null;
  }
  renderToStaticMarkup(<Asks />);
  return old ?? false;
}

describe("a short break", () => {
  it.each(LOST)("(%s) is told as what was told before it, not as a live stream that never was", (status) => {
    for (const settled of ["live", "polling", "unauthorised"] as const) {
      expect(shownStatus(stateOf({ status, settled }), true)).toBe(settled);
      expect(shownStatus(stateOf({ status, settled }), false)).toBe(status);
    }
  });

  it("has no patience where nothing was heard for long, or nothing is known", () => {
    for (const status of LOST) {
      const slept = stateOf({ status, aliveAt: NOW - 8 * 3_600_000 });
      expect(mayBeCalm(slept)).toBe(false);
      expect(shownStatus(slept, true)).toBe(status);
      expect(mayBeCalm(stateOf({ status, document: null }))).toBe(false);
      expect(mayBeCalm(stateOf({ status }))).toBe(true);
    }
  });

  it("remembers what was before it, however long it lasts", async () => {
    const server = await scripted();
    server.stream = (_request, response) => refuse(response, 503, "too_many_streams");
    const { state } = connect(server, { limits: { streamAgainMs: 600_000 } });
    await until(() => state().status === "polling");
    server.poll = (_request, response) => refuse(response, 500, "internal_error");
    await until(() => state().status === "offline" && state().attempts > 3);
    expect(state().settled).toBe("polling");
  });
});

describe("what is not the state of now", () => {
  it("is not called current, and is old", () => {
    expect([isCurrent(stateOf({})), isOld(stateOf({}))]).toEqual([true, false]);
    expect([isCurrent(stateOf({ status: "polling" })), isOld(stateOf({ status: "polling" }))]).toEqual([true, false]);
    const newer = stateOf({ unsupported: { schemaVersion: 2 } });
    for (const state of [newer, busIs("degraded"), busIs("failed"), stateOf({ status: "unauthorised" })]) {
      expect([isCurrent(state), isOld(state)]).toEqual([false, true]);
    }
    const slept = stateOf({ status: "offline", aliveAt: NOW - 60_000 });
    expect([isCurrent(slept), isOld(slept)]).toEqual([false, true]);
  });

  it("because the server is newer is not told as live", () => {
    for (const status of ["live", "polling"] as const) {
      const html = markup(stateOf({ status, unsupported: { schemaVersion: 2 } }), "word");
      expect(html).toContain('data-status="unsupported"');
      expect(html).not.toContain(MESSAGES.en.connection.live);
      expect(html).not.toContain("good");
    }
    expect(markup(stateOf({}), "word")).toContain('data-status="live"');
  });
});

describe("the banner of a lost connection", () => {
  const wrong: FailureKind[] = [
    "broken",
    "server",
    "refused",
    "too_large",
    "busy",
    "too_many",
    "not_found",
    "starting",
  ];
  const gone: FailureKind[] = ["network", "timeout", "silent", "closed"];
  const offline = (lastErrorKind: FailureKind, document = stateOf({}).document) =>
    stateOf({ status: "offline", lastErrorKind, lastError: "<said & done>", document, aliveAt: NOW - 60_000 });

  it.each(wrong)("does not call a server gone that answers, known or not (%s)", (kind) => {
    for (const language of ["en", "tr"] as const) {
      const { connection } = MESSAGES[language];
      for (const state of [offline(kind), offline(kind, null)]) {
        const html = markup(state, "banners", language).replaceAll("&#x27;", "'");
        expect(html).toContain(connection.why[kind as keyof typeof connection.why]);
        expect(html).not.toContain(connection.lostNever);
        expect(html).not.toContain(connection.lostDo);
        expect(html.includes('<span class="said" lang="en">&lt;said &amp; done&gt;</span>')).toBe(kind !== "starting");
      }
    }
  });

  it.each(gone)("says that a server is gone that does not answer (%s)", (kind) => {
    const { connection } = MESSAGES.en;
    expect(markup(offline(kind, null), "banners")).toContain(connection.lostNever);
    const html = markup(offline(kind), "banners");
    expect(html).toContain(connection.lostDo);
    expect(html).not.toContain("said");
  });

  it("says until when it was true by the last sign of life, not by the last state", () => {
    const at = Date.parse("2026-11-23T04:00:00Z");
    const state = stateOf({
      status: "offline",
      lastErrorKind: "network",
      since: at + 60_000,
      aliveAt: at,
      receivedAt: 0,
    });
    expect(markup(state, "banners")).toContain("07:00:00");
    expect(markup({ ...state, lastErrorKind: "broken" }, "banners")).toContain("07:00:00");
  });
});
