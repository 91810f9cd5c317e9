/** Which portfolios there are: asked when there is somebody to ask, and again after whatever may have changed it. */

import type { Client } from "../api/client";
import { Alarm } from "./alarm";
import { backoffMs, TIMERS, type Timers } from "./limits";
import { Store } from "./store";

const AGAIN_FIRST_MS = 2_000;
/** The list is a convenience: nobody is to be asked for it more often than this in vain. */
const AGAIN_MAX_MS = 60_000;

/** What it depends on: the read token, whether the page is so far that it can be asked, and the connection's health. */
export interface Asking {
  readonly token: string | null;
  readonly isDue: boolean;
  readonly isUp: boolean;
}

/** What may be told beside the client; everything has a default. */
export interface PortfoliosOptions {
  readonly now?: () => number;
  readonly timers?: Timers;
  readonly random?: () => number;
}

/** The names of the portfolios; those that were known last while they cannot be asked. */
export class Portfolios {
  readonly #client: Pick<Client, "portfolios">;
  readonly #random: () => number;
  readonly #again: Alarm;
  readonly #store = new Store<{ readonly names: readonly string[] }>({ names: [] });
  #asking: Asking = { token: null, isDue: false, isUp: false };
  #failures = 0;
  /** Counts the questions, so that only the newest one's answer is taken. */
  #question = 0;

  constructor(client: Pick<Client, "portfolios">, options: PortfoliosOptions = {}) {
    this.#client = client;
    this.#random = options.random ?? Math.random;
    this.#again = new Alarm(options.timers ?? TIMERS, options.now ?? Date.now, () => void this.#ask());
  }

  /** Their names; the same array until they change. */
  readonly getSnapshot = (): readonly string[] => this.#store.get().names;

  /** Be called after every change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Tell how things stand: with another token, and when the connection came back, it is asked anew. */
  tell(asking: Asking): void {
    const before = this.#asking;
    this.#asking = asking;
    if (!asking.isDue) {
      this.stop();
    } else if (!before.isDue || asking.token !== before.token || (asking.isUp && !before.isUp)) {
      this.#failures = 0;
      void this.#ask();
    }
  }

  /** Ask no more, until told anew how things stand. */
  stop(): void {
    this.#again.cancel();
    this.#question += 1;
    this.#asking = { ...this.#asking, isDue: false };
  }

  async #ask(): Promise<void> {
    this.#again.cancel();
    this.#question += 1;
    const question = this.#question;
    const result = await this.#client.portfolios(this.#asking.token);
    if (question !== this.#question) {
      return;
    }
    if (result.ok) {
      this.#failures = 0;
      this.#store.update({ names: result.value.portfolios });
    } else if (result.error.kind !== "unauthorised") {
      // Without the right token nothing is tried; with another one it is told.
      this.#failures += 1;
      const wait = backoffMs(this.#failures, AGAIN_FIRST_MS, AGAIN_MAX_MS, this.#random);
      this.#again.set(wait, (result.error.retryAfterSeconds ?? 0) * 1_000);
    }
  }
}
