/** Timers and a clock that a test turns by hand: for what is only scheduling. */

import type { Timers } from "../../src/live/limits";

export class Turned implements Timers {
  time: number;
  readonly #due = new Map<number, { at: number; callback: () => void }>();
  #next = 0;

  constructor(time = 1_700_000_000_000) {
    this.time = time;
  }

  readonly now = (): number => this.time;

  get waiting(): number {
    return this.#due.size;
  }

  set(callback: () => void, milliseconds: number): number {
    this.#next += 1;
    this.#due.set(this.#next, { at: this.time + milliseconds, callback });
    return this.#next;
  }

  clear(handle: unknown): void {
    this.#due.delete(handle as number);
  }

  /** Let so much time pass, and everything happen that is due in it, in order. */
  turn(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const [first] = [...this.#due].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at);
      if (first === undefined) {
        break;
      }
      this.#due.delete(first[0]);
      this.time = Math.max(this.time, first[1].at);
      first[1].callback();
    }
    this.time = end;
  }
}
