/** "Refresh": what runs, what came of it, and the admin token, which lives in this tab's memory and nowhere else. */

import type { ApiError, Client } from "../api/client";
import { Alarm } from "../live/alarm";
import { LIMITS, TIMERS, type Timers } from "../live/limits";
import type { PortfolioDocument } from "../model/document";

/** What went well is put away by itself after this: time enough to read a line for each account. */
export const CLOSES_MS = 30_000;

/** How long to wait where a refusal does not say: tries are counted by the minute. */
const WAIT_SECONDS = 60;

/** What to refresh: one account, those of an exchange, or all. */
export interface Target {
  readonly exchange: string | null;
  readonly account: string | null;
}

/** What became of one account. */
export interface AccountResult {
  readonly exchange: string;
  readonly account: string;
  readonly refreshed: boolean;
  readonly message: string;
}

/** What the page shows of refreshes. */
export interface RefreshState {
  readonly running: Target | null;
  /** Versions of all wallets when it began: a wallet with another one has been read since. */
  readonly before: ReadonlyMap<string, string>;
  readonly results: readonly AccountResult[] | null;
  readonly error: ApiError | null;
  /** When the results or the error came, in local milliseconds. */
  readonly at: number;
  /** Until when nothing more is taken, in local milliseconds; null: at any time. */
  readonly waitUntil: number | null;
  /** What to ask the person for: the token, or to set one up. */
  readonly dialog: "token" | "off" | null;
  readonly isTokenWrong: boolean;
}

const IDLE: RefreshState = {
  running: null,
  before: new Map(),
  results: null,
  error: null,
  at: 0,
  waitUntil: null,
  dialog: null,
  isTokenWrong: false,
};

/** What a refresh may be told; everything has a default. */
export interface RefreshingOptions {
  readonly now?: () => number;
  readonly timers?: Timers;
}

/** All accounts. */
export const EVERYTHING: Target = { exchange: null, account: null };

/** The versions of all wallets. */
export function versionsOf(document: PortfolioDocument | null): Map<string, string> {
  const versions = new Map<string, string>();
  for (const { exchange, account, wallets } of document?.accounts ?? []) {
    for (const { wallet, version } of wallets) {
      versions.set(`${exchange}/${account}/${wallet}`, version);
    }
  }
  return versions;
}

/** How many of the accounts in question have been read anew since it began, and how many there are. */
export function progressOf(state: RefreshState, document: PortfolioDocument): { done: number; all: number } {
  const { running, before } = state;
  const asked = document.sources.filter(
    ({ exchange, account, state: standing }) =>
      standing !== "unconfigured" &&
      (running?.exchange ?? exchange) === exchange &&
      (running?.account ?? account) === account,
  );
  const now = versionsOf(document);
  const isRead = ({ exchange, account, wallets }: PortfolioDocument["sources"][number]): boolean =>
    wallets.length > 0 &&
    wallets.every(({ wallet }) => {
      const key = `${exchange}/${account}/${wallet}`;
      return now.get(key) !== undefined && now.get(key) !== before.get(key);
    });
  return { done: asked.filter(isRead).length, all: asked.length };
}

/** Whether something is shown that a person must have seen before it goes. */
function isFailure({ results, error }: RefreshState): boolean {
  return error !== null || (results ?? []).some(({ refreshed }) => !refreshed);
}

/** The one refresh of the page: while it runs no other begins, however often somebody clicks. */
export class Refreshing {
  readonly #client: Pick<Client, "refresh">;
  readonly #portfolio: string | null;
  readonly #document: () => PortfolioDocument | null;
  readonly #now: () => number;
  readonly #closing: Alarm;
  readonly #waiting: Alarm;
  readonly #listeners = new Set<() => void>();
  #state: RefreshState = IDLE;
  #token: string | null = null;
  #wanted: Target = EVERYTHING;

  constructor(
    client: Pick<Client, "refresh">,
    portfolio: string | null,
    document: () => PortfolioDocument | null,
    { now = () => Date.now(), timers = TIMERS }: RefreshingOptions = {},
  ) {
    this.#client = client;
    this.#portfolio = portfolio;
    this.#document = document;
    this.#now = now;
    this.#closing = new Alarm(timers, now, this.dismiss);
    this.#waiting = new Alarm(timers, now, () => this.#set({ ...this.#state, waitUntil: null }));
  }

  readonly getSnapshot = (): RefreshState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Begin, unless one runs or is not taken yet; asks for the token first where none is known. */
  readonly begin = async (target: Target): Promise<void> => {
    if (this.#state.running !== null || this.#state.waitUntil !== null) {
      return;
    }
    this.#wanted = target;
    this.#show({ running: target, before: versionsOf(this.#document()) });
    const { exchange, account } = target;
    const answer = await this.#client.refresh({ exchange, account, portfolio: this.#portfolio }, this.#token);
    if (answer.ok) {
      this.#show({ results: answer.value.accounts, at: this.#now() });
      this.release();
    } else {
      this.#fail(answer.error);
    }
  };

  /** Take a token and try again with it. */
  readonly giveToken = (token: string): Promise<void> => {
    this.#token = token.trim();
    return this.begin(this.#wanted);
  };

  /** Put away what is shown. A refresh that runs is not: another one could begin beside it. */
  readonly dismiss = (): void => {
    if (this.#state.running === null) {
      this.#show({ waitUntil: this.#state.waitUntil });
    }
  };

  /** Somebody looks at what is shown: it stays. */
  readonly hold = (): void => this.#closing.cancel();

  /** Nobody looks at what is shown any more: what went well goes by itself, in its whole time. */
  readonly release = (): void => {
    if (this.#state.results !== null && !isFailure(this.#state)) {
      this.#closing.set(CLOSES_MS);
    }
  };

  #fail(error: ApiError): void {
    const at = this.#now();
    if (error.kind === "unauthorised") {
      const isTokenWrong = this.#token !== null;
      this.#token = null;
      this.#show({ dialog: "token", isTokenWrong });
    } else if (error.kind === "writes_off") {
      this.#show({ dialog: "off" });
    } else if (error.kind === "too_many") {
      const wait = Math.min((error.retryAfterSeconds ?? WAIT_SECONDS) * 1_000, LIMITS.retryAfterMaxMs);
      this.#show({ error, at, waitUntil: at + wait });
      this.#waiting.set(wait);
    } else {
      this.#show({ error, at });
    }
  }

  /** Shows this and nothing else. */
  #show(what: Partial<RefreshState>): void {
    this.#closing.cancel();
    this.#set({ ...IDLE, ...what });
  }

  #set(state: RefreshState): void {
    this.#state = state;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
