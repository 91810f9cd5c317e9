/** The connection's state, and the rules by which it changes: since when, what it was before, when it was last the newest. */

import type { Failure } from "./failure";
import { type ConnectionState, type ConnectionStatus, initialState } from "./state";
import { Store } from "./store";

/** Keeps the state for those who watch it. */
export class Keeper {
  readonly #now: () => number;
  readonly #store: Store<ConnectionState>;
  /** When the document was last known to be the newest; told with the next change, as it is none by itself. */
  #aliveAt: number | null = null;

  constructor(now: () => number) {
    this.#now = now;
    this.#store = new Store(initialState(now()));
  }

  /** The state as it is; the same object until something changes. */
  get state(): ConnectionState {
    return this.#store.get();
  }

  /** Be called after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  /** Change the state. A break remembers what it broke. */
  set(status: ConnectionStatus, change: Partial<ConnectionState>): void {
    const before = this.state;
    const since = before.status === status ? before.since : this.#now();
    const settled = status === "reconnecting" || status === "offline" ? before.settled : status;
    this.#store.update({ ...change, status, since, settled }, { aliveAt: this.#aliveAt });
  }

  /** What a connection is while it tries: there is something to come back to, or not yet. */
  get tryingStatus(): ConnectionStatus {
    const { document, unsupported } = this.state;
    return document === null && unsupported === null ? "connecting" : "reconnecting";
  }

  /** The document is the newest at this moment; of one that cannot be understood nothing is known. */
  alive({ unsupported }: Partial<ConnectionState>): void {
    if (!unsupported) {
      this.wasAliveAt(this.#now());
    }
  }

  /** The document was the newest at that moment. */
  wasAliveAt(moment: number | null): void {
    this.#aliveAt = moment;
  }
}

/** A failure as the state tells it. */
export function errorOf(failure: Failure): Pick<ConnectionState, "lastError" | "lastErrorKind"> {
  return { lastError: failure.message, lastErrorKind: failure.kind };
}
