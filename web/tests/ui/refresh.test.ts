import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ApiError, ApiErrorKind, RefreshOutcome, Result } from "../../src/api/client";
import type { PortfolioDocument } from "../../src/model/document";
import { EVERYTHING, Refreshing, type Target } from "../../src/ui/refresh";

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
