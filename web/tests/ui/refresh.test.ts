import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ApiError, ApiErrorKind, RefreshOutcome, Result } from "../../src/api/client";
import { LIMITS } from "../../src/live/limits";
import type { PortfolioDocument } from "../../src/model/document";
import { CLOSES_MS, EVERYTHING, Refreshing, type Target } from "../../src/ui/refresh";

type Asked = { readonly what: unknown; readonly token: string | null };

/** A client that answers when the test says so: what is under test is what is done with an answer, not the call. */
class StandIn {
  readonly asked: Asked[] = [];
  #answers: ((result: Result<RefreshOutcome>) => void)[] = [];

  readonly refresh = (what: unknown, token: string | null): Promise<Result<RefreshOutcome>> => {
    this.asked.push({ what, token });
    return new Promise((resolve) => this.#answers.push(resolve));
  };

  answer(result: Result<RefreshOutcome>): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) {
      answer(result);
    }
  }
}

const TOKEN = "s3cret-admin-token";
const BINANCE: Target = { exchange: "binance", account: "main" };
const DONE = { exchange: "binance", account: "main", refreshed: true, message: "" };
const SUCCESS: Result<RefreshOutcome> = { ok: true, value: { id: "1", portfolio: "main", accounts: [DONE] } };

function failure(kind: ApiErrorKind, more: Partial<ApiError> = {}): Result<RefreshOutcome> {
  return { ok: false, error: { kind, message: "no", code: null, status: null, retryAfterSeconds: null, ...more } };
}

function refreshing(portfolio: string | null = null, now: () => PortfolioDocument | null = () => null) {
  const client = new StandIn();
  return { client, subject: new Refreshing(client, portfolio, now) };
}

/** Begin, or use a token, and be answered. */
async function done(client: StandIn, work: Promise<void>, result: Result<RefreshOutcome>): Promise<void> {
  client.answer(result);
  await work;
}

describe("a refresh", () => {
  it("asks for what was wanted, in the portfolio that is shown", async () => {
    const { client, subject } = refreshing("family");
    await done(client, subject.begin(BINANCE), SUCCESS);
    await done(client, subject.begin(EVERYTHING), SUCCESS);
    expect(client.asked).toEqual([
      { what: { portfolio: "family", exchange: "binance", account: "main" }, token: null },
      { what: { portfolio: "family", exchange: null, account: null }, token: null },
    ]);
  });

  it("runs once, however often it is begun and whatever for", async () => {
    const { client, subject } = refreshing();
    const works = [BINANCE, BINANCE, EVERYTHING].map((target) => subject.begin(target));
    expect(client.asked).toHaveLength(1);
    expect(subject.getSnapshot().running).toEqual(BINANCE);
    client.answer(SUCCESS);
    await Promise.all(works);
    expect(subject.getSnapshot()).toMatchObject({ running: null, results: [DONE] });
    expect(client.asked).toHaveLength(1);
  });

  it("is not put away while it runs, so that no other begins beside it", async () => {
    const { client, subject } = refreshing();
    const work = subject.begin(BINANCE);
    subject.dismiss();
    await subject.begin(EVERYTHING);
    expect(subject.getSnapshot().running).toEqual(BINANCE);
    expect(client.asked).toHaveLength(1);
    await done(client, work, SUCCESS);
  });

  it("may be begun anew once it has ended, well or not", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("network"));
    await done(client, subject.begin(BINANCE), SUCCESS);
    expect(client.asked).toHaveLength(2);
  });

  it("begins with a clean slate, and its results are put away when asked", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), SUCCESS);
    const work = subject.begin(BINANCE);
    expect(subject.getSnapshot()).toMatchObject({ results: null, error: null, dialog: null });
    await done(client, work, SUCCESS);
    subject.dismiss();
    expect(subject.getSnapshot()).toMatchObject({ running: null, results: null, error: null, dialog: null });
  });

  it.each(["too_many", "network", "timeout", "not_found", "refused", "server"] as const)(
    "that failed for %s says so, and asks nothing",
    async (kind) => {
      const { client, subject } = refreshing();
      await done(client, subject.begin(BINANCE), failure(kind, { retryAfterSeconds: 42 }));
      const { error, ...rest } = subject.getSnapshot();
      expect(error).toMatchObject({ kind, retryAfterSeconds: 42 });
      expect(rest).toMatchObject({ running: null, results: null, dialog: null });
    },
  );

  it("that is switched off says how to switch it on, and asks for no token", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("writes_off"));
    expect(subject.getSnapshot()).toMatchObject({ dialog: "off", running: null, error: null });
  });

  it("tells its listeners of every step, until they leave", async () => {
    const { client, subject } = refreshing();
    const seen: unknown[] = [];
    const leave = subject.subscribe(() => seen.push(subject.getSnapshot().running));
    await done(client, subject.begin(BINANCE), SUCCESS);
    expect(seen).toEqual([BINANCE, null]);
    leave();
    subject.dismiss();
    expect(seen).toHaveLength(2);
  });
});

describe("the admin token", () => {
  it("is asked for where one is needed, and then the same refresh is tried with it", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("unauthorised"));
    expect(subject.getSnapshot()).toMatchObject({ dialog: "token", isTokenWrong: false, running: null });
    const work = subject.giveToken(`  ${TOKEN}\n`);
    expect(subject.getSnapshot()).toMatchObject({ dialog: null, running: BINANCE });
    await done(client, work, SUCCESS);
    expect(client.asked[1]).toEqual({ what: { portfolio: null, ...BINANCE }, token: TOKEN });
  });

  it("is kept for the next one", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("unauthorised"));
    await done(client, subject.giveToken(TOKEN), SUCCESS);
    await done(client, subject.begin(EVERYTHING), failure("network"));
    await done(client, subject.begin(EVERYTHING), SUCCESS);
    expect(client.asked.map(({ token }) => token)).toEqual([null, TOKEN, TOKEN, TOKEN]);
  });

  it("is forgotten where it is wrong, and asked for again", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.giveToken(TOKEN), failure("unauthorised"));
    expect(subject.getSnapshot()).toMatchObject({ dialog: "token", isTokenWrong: true });
    await done(client, subject.begin(BINANCE), failure("unauthorised"));
    expect(client.asked.map(({ token }) => token)).toEqual([TOKEN, null]);
    expect(subject.getSnapshot()).toMatchObject({ dialog: "token", isTokenWrong: false });
  });

  it("need not be given: the question can be put away", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("unauthorised"));
    subject.dismiss();
    expect(subject.getSnapshot().dialog).toBeNull();
    expect(client.asked).toHaveLength(1);
  });
});

describe("the place of the admin token", () => {
  const touched: string[] = [];

  /** Something of the browser that may be neither read nor written. */
  function forbidden(name: string): object {
    const touch = (_: object, property: string | symbol): never => {
      touched.push(`${name}.${String(property)}`);
      throw new Error(`${name} is not to be touched`);
    };
    return new Proxy({}, { get: touch, set: touch, has: touch, deleteProperty: touch, defineProperty: touch });
  }

  beforeEach(() => {
    touched.length = 0;
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches", "document", "location", "history"]) {
      vi.stubGlobal(name, forbidden(name));
    }
  });

  afterEach(() => vi.unstubAllGlobals());

  it("is memory that nobody else sees: no storage, no cookie, no address, no state", async () => {
    const { client, subject } = refreshing();
    const seen: unknown[] = [];
    subject.subscribe(() => seen.push(structuredClone(subject.getSnapshot())));
    const globals = Object.getOwnPropertyNames(globalThis);
    await done(client, subject.giveToken(TOKEN), SUCCESS);
    await done(client, subject.begin(BINANCE), failure("network"));
    await done(client, subject.begin(BINANCE), failure("unauthorised"));
    expect(touched).toEqual([]);
    expect(seen).toHaveLength(6);
    expect(JSON.stringify([seen, subject])).not.toContain(TOKEN);
    expect(Object.getOwnPropertyNames(globalThis)).toEqual(globals);
  });
});

describe("what came of a refresh", () => {
  const FAILED = { ...DONE, account: "savings", refreshed: false, message: "no answer" };
  const PARTLY: Result<RefreshOutcome> = { ok: true, value: { id: "1", portfolio: "main", accounts: [DONE, FAILED] } };

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is told with its time, and goes by itself where all went well", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(EVERYTHING), SUCCESS);
    expect(subject.getSnapshot()).toMatchObject({ results: [DONE], at: 1_000_000 });
    vi.advanceTimersByTime(CLOSES_MS - 1);
    expect(subject.getSnapshot().results).toEqual([DONE]);
    vi.advanceTimersByTime(1);
    expect(subject.getSnapshot().results).toBeNull();
  });

  it("stays while somebody looks, and then its whole time", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(EVERYTHING), SUCCESS);
    vi.advanceTimersByTime(CLOSES_MS - 1);
    subject.hold();
    vi.advanceTimersByTime(10 * CLOSES_MS);
    expect(subject.getSnapshot().results).toEqual([DONE]);
    subject.release();
    vi.advanceTimersByTime(CLOSES_MS - 1);
    expect(subject.getSnapshot().results).toEqual([DONE]);
    vi.advanceTimersByTime(1);
    expect(subject.getSnapshot().results).toBeNull();
  });

  it.each([
    ["an account that was not read", PARTLY],
    ["a server that failed", failure("server")],
  ])("stays where it is %s, looked at or not, until it is put away", async (_, result) => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(EVERYTHING), result);
    const before = subject.getSnapshot();
    subject.hold();
    subject.release();
    vi.advanceTimersByTime(100 * CLOSES_MS);
    expect(subject.getSnapshot()).toBe(before);
    subject.dismiss();
    expect(subject.getSnapshot()).toMatchObject({ results: null, error: null });
  });

  it("of an earlier refresh does not take that of a later one away", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(EVERYTHING), SUCCESS);
    vi.advanceTimersByTime(CLOSES_MS - 1);
    await done(client, subject.begin(EVERYTHING), PARTLY);
    vi.advanceTimersByTime(CLOSES_MS);
    expect(subject.getSnapshot().results).toEqual([DONE, FAILED]);
  });
});

describe("a refresh that is refused for coming too often", () => {
  const WAIT_MS = 42_000;

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is not asked for again before its time, put away or not, and then it is", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("too_many", { retryAfterSeconds: WAIT_MS / 1_000 }));
    expect(subject.getSnapshot().waitUntil).toBe(1_000_000 + WAIT_MS);
    await subject.begin(BINANCE);
    vi.advanceTimersByTime(WAIT_MS / 2);
    subject.dismiss();
    expect(subject.getSnapshot()).toMatchObject({ error: null, waitUntil: 1_000_000 + WAIT_MS });
    vi.advanceTimersByTime(WAIT_MS / 2 - 1);
    await subject.begin(BINANCE);
    expect(client.asked).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(subject.getSnapshot().waitUntil).toBeNull();
    await done(client, subject.begin(BINANCE), SUCCESS);
    expect(client.asked).toHaveLength(2);
  });

  it("still says so when its time has come", async () => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("too_many", { retryAfterSeconds: WAIT_MS / 1_000 }));
    vi.advanceTimersByTime(WAIT_MS);
    expect(subject.getSnapshot()).toMatchObject({ waitUntil: null, error: { kind: "too_many" } });
  });

  it.each([
    [null, 60_000],
    [86_400, LIMITS.retryAfterMaxMs],
  ])("waits a bearable time where %s seconds are asked for", async (retryAfterSeconds, waitMs) => {
    const { client, subject } = refreshing();
    await done(client, subject.begin(BINANCE), failure("too_many", { retryAfterSeconds }));
    expect(subject.getSnapshot().waitUntil).toBe(1_000_000 + waitMs);
  });
});
