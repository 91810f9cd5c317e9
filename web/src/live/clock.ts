/** The time as ages are counted by: one timer for all of them, on whole seconds, and none while nobody looks. */

import { Alarm } from "./alarm";
import { TIMERS, type Timers } from "./limits";
import { parseUtc } from "./shape";
import type { ConnectionState } from "./state";
import { Store } from "./store";

const SECOND_MS = 1_000;

/** So much later than a second after a nudge the clock ticks by itself: the next state may be on its way. */
const NUDGE_MS = 250;

/** The part of `document` that a clock asks: whether the page is seen. */
export interface Visibility extends Pick<EventTarget, "addEventListener" | "removeEventListener"> {
  readonly hidden: boolean;
}

/** What a clock may be told; everything has a default. */
export interface ClockOptions {
  readonly now?: () => number;
  readonly timers?: Timers;
  /** Null where there is no page; then it counts as seen. */
  readonly visibility?: Visibility | null;
}

/** A clock that ticks each whole second while somebody subscribed and the page is seen. */
export class Clock {
  readonly #now: () => number;
  readonly #visibility: Visibility | null;
  readonly #alarm: Alarm;
  readonly #store: Store<{ readonly second: number }>;

  constructor(options: ClockOptions = {}) {
    this.#now = options.now ?? (() => Date.now());
    this.#visibility = options.visibility ?? (typeof document === "undefined" ? null : document);
    this.#alarm = new Alarm(options.timers ?? TIMERS, this.#now, () => this.#tick());
    this.#store = new Store({ second: this.#second() });
  }

  /** Local milliseconds of the last whole second. */
  readonly getSnapshot = (): number => {
    if (!this.#alarm.isSet) {
      // Nobody is told, so it may be brought up to date unheard.
      return this.#second();
    }
    return this.#store.get().second;
  };

  /** Be called each second, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const isFirst = !this.#store.isWatched;
    const leave = this.#store.subscribe(listener);
    if (isFirst) {
      this.#visibility?.addEventListener("visibilitychange", this.#tick);
      this.#tick();
    }
    return () => {
      leave();
      if (!this.#store.isWatched) {
        this.#visibility?.removeEventListener("visibilitychange", this.#tick);
        this.#alarm.cancel();
      }
    };
  };

  /**
   * The page is drawn anew just now: tell the time with that. Where states come each second ages count on with them,
   * and no frame is drawn for ages alone, which would cost half as much again.
   */
  nudge(): void {
    if (this.#alarm.isSet) {
      this.#alarm.set(SECOND_MS + NUDGE_MS);
      this.#store.update({ second: this.#second() });
    }
  }

  readonly #tick = (): void => {
    if (!this.#store.isWatched || this.#visibility?.hidden) {
      this.#alarm.cancel();
      return;
    }
    const now = this.#now();
    // Set anew each time: what is late does not add up.
    this.#alarm.set(SECOND_MS - (((now % SECOND_MS) + SECOND_MS) % SECOND_MS));
    this.#store.update({ second: this.#second() });
  };

  #second(): number {
    return Math.floor(this.#now() / SECOND_MS) * SECOND_MS;
  }
}

type Skewed = Pick<ConnectionState, "serverSkewMs">;

/** Seconds since this moment by the server's clock, never below 0; null where the text is no moment. */
export function ageOf(asOf: string, state: Skewed, localNow: number): number | null {
  const at = parseUtc(asOf);
  return at === null ? null : Math.max(0, (localNow + state.serverSkewMs - at) / SECOND_MS);
}

/** Whether the time after which something counts as stale has come. What has no such time is not trusted. */
export function isStaleAt(staleAt: string, state: Skewed, localNow: number): boolean {
  const at = parseUtc(staleAt);
  return at === null || localNow + state.serverSkewMs >= at;
}
