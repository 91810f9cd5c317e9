/** "Refresh": what runs, what came of it, and the admin token, which lives in this tab's memory and nowhere else. */

import type { ApiError, Client } from "../api/client";
import type { PortfolioDocument } from "../model/document";

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
  /** What to ask the person for: the token, or to set one up. */
  readonly dialog: "token" | "off" | null;
  readonly isTokenWrong: boolean;
}

const IDLE: RefreshState = {
  running: null,
  before: new Map(),
  results: null,
  error: null,
  dialog: null,
  isTokenWrong: false,
};

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

/** The one refresh of the page: while it runs no other begins, however often somebody clicks. */
export class Refreshing {
  readonly #client: Pick<Client, "refresh">;
  readonly #portfolio: string | null;
  readonly #document: () => PortfolioDocument | null;
  readonly #listeners = new Set<() => void>();
  #state: RefreshState = IDLE;
  #token: string | null = null;
  #wanted: Target = EVERYTHING;

  constructor(client: Pick<Client, "refresh">, portfolio: string | null, document: () => PortfolioDocument | null) {
    this.#client = client;
    this.#portfolio = portfolio;
    this.#document = document;
  }

  readonly getSnapshot = (): RefreshState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Begin, unless one runs; asks for the token first where none is known. */
  readonly begin = async (target: Target): Promise<void> => {
    if (this.#state.running !== null) {
      return;
    }
    this.#wanted = target;
    this.#set({ ...IDLE, running: target, before: versionsOf(this.#document()) });
    const { exchange, account } = target;
    const answer = await this.#client.refresh({ exchange, account, portfolio: this.#portfolio }, this.#token);
    if (answer.ok) {
      this.#set({ ...IDLE, results: answer.value.accounts });
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
      this.#set(IDLE);
    }
  };

  #fail(error: ApiError): void {
    if (error.kind === "unauthorised") {
      const isTokenWrong = this.#token !== null;
      this.#token = null;
      this.#set({ ...IDLE, dialog: "token", isTokenWrong });
    } else if (error.kind === "writes_off") {
      this.#set({ ...IDLE, dialog: "off" });
    } else {
      this.#set({ ...IDLE, error });
    }
  }

  #set(state: RefreshState): void {
    this.#state = state;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
