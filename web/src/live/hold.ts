/** Patience with an api that was just started: it has not read its own state yet, and that is no news of ours. */

import { Alarm } from "./alarm";
import type { PortfolioDocument } from "./document";
import { Failure } from "./failure";
import type { Limits, Timers } from "./limits";
import type { ConnectionState } from "./state";

type Change = Partial<ConnectionState>;

/** Whether nothing was read yet of what a document is about. One whose accounts are truly gone has a version. */
export function isUnread(document: PortfolioDocument): boolean {
  return document.version === null && document.accounts.length === 0;
}

/** Keeps a known document from being replaced by an unread one, or by "there is no such portfolio", for a while. */
export class Hold {
  readonly #now: () => number;
  readonly #limits: Limits;
  readonly #alarm: Alarm;
  #unreadSince: number | null = null;
  #missingSince: number | null = null;
  #held: Change | null = null;

  /** `release` gets what was held, when nothing better came in time. */
  constructor(timers: Timers, now: () => number, limits: Limits, release: (change: Change) => void) {
    this.#now = now;
    this.#limits = limits;
    this.#alarm = new Alarm(timers, now, () => {
      const held = this.#held;
      this.#held = null;
      if (held !== null) {
        release(held);
      }
    });
  }

  /** Whether a change is still too poor to replace what is known; one that is not ends all patience. */
  defers(change: Change, { document }: ConnectionState): boolean {
    this.pause();
    const { document: newcomer } = change;
    if (!newcomer || !isUnread(newcomer) || document === null || isUnread(document)) {
      this.forget();
      return false;
    }
    this.#missingSince = null;
    this.#unreadSince = this.#begun(this.#unreadSince);
    return this.#now() - this.#unreadSince < this.#limits.unreadMs;
  }

  /** Keep what was deferred for when patience ends: it may be the last that its stream has to say. */
  keep(change: Change): void {
    this.#held = change;
    this.#alarm.set(Math.max(0, this.#begun(this.#unreadSince) + this.#limits.unreadMs - this.#now()));
  }

  /** Whether something is kept. */
  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** Whether "there is no such portfolio" is not believed yet. */
  doubtsAbsence({ document }: ConnectionState): boolean {
    if (document === null) {
      return false;
    }
    this.#missingSince = this.#begun(this.#missingSince);
    return this.#now() - this.#missingSince < this.#limits.missingMs;
  }

  /** Let go of what is kept, as its stream is gone; how long it has lasted is remembered. */
  pause(): void {
    this.#held = null;
    this.#alarm.cancel();
  }

  /** Begin anew. */
  forget(): void {
    this.pause();
    this.#unreadSince = null;
    this.#missingSince = null;
  }

  /** Never in the future: the wall clock may have been set back. */
  #begun(since: number | null): number {
    return Math.min(since ?? Number.POSITIVE_INFINITY, this.#now());
  }
}

/** What is wrong while an unread document is deferred. */
export function startingFailure(): Failure {
  return new Failure("starting", "The server was started and has not read its state yet.");
}
