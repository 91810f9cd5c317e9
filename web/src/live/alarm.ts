import type { Timers } from "./limits";

/** One timer with a name: set anew, hurried or called off, and never two at a time. */
export class Alarm {
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #ring: () => void;
  #handle: unknown = null;
  #set = false;
  #due = 0;
  #earliest = 0;
  #leastMs = 0;

  constructor(timers: Timers, now: () => number, ring: () => void) {
    this.#timers = timers;
    this.#now = now;
    this.#ring = ring;
  }

  /** Whether it will ring. */
  get isSet(): boolean {
    return this.#set;
  }

  /** Ring after so long; `leastMs` is what no hurry may shorten. */
  set(milliseconds: number, leastMs = 0): void {
    this.cancel();
    this.#set = true;
    this.#leastMs = leastMs;
    const wait = Math.max(milliseconds, leastMs);
    this.#earliest = this.#now() + leastMs;
    this.#due = this.#now() + wait;
    this.#handle = this.#timers.set(() => {
      this.#set = false;
      this.#ring();
    }, wait);
  }

  /** Ring after this time if that is sooner, and if it is set at all. */
  hurry(milliseconds: number): void {
    if (this.#set && this.#now() + milliseconds < this.#due) {
      // Bounded by what it was at first: the wall clock may have been set back in between.
      const left = Math.min(this.#leastMs, Math.max(0, this.#earliest - this.#now()));
      this.set(milliseconds, left);
    }
  }

  /** Do not ring. */
  cancel(): void {
    if (this.#set) {
      this.#set = false;
      this.#timers.clear(this.#handle);
    }
    this.#handle = null;
  }
}
