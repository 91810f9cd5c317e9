import { Alarm } from "./alarm";
import type { Timers } from "./limits";

/** Looks at something again and again, and notices when it comes to that far too late: then the machine slept. */
export class Watch {
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #alarm: Alarm;
  #due = 0;

  constructor(timers: Timers, now: () => number, everyMs: number, sleepMs: number, look: (slept: boolean) => void) {
    this.#now = now;
    this.#everyMs = everyMs;
    this.#alarm = new Alarm(timers, now, () => look(now() - this.#due > sleepMs));
  }

  /** Look again after this time, or sooner if that is longer than it ever waits. */
  again(milliseconds: number): void {
    const wait = Math.max(1, Math.min(this.#everyMs, milliseconds));
    this.#due = this.#now() + wait;
    this.#alarm.set(wait);
  }

  /** Look no more. */
  stop(): void {
    this.#alarm.cancel();
  }
}
