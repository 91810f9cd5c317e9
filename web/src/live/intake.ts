import { Alarm } from "./alarm";
import type { Timers } from "./limits";

/** Work on a state takes at most one part in so many of the time, however large it is and however fast they come. */
const SHARE = 4;

/** Lets one state through per frame: the first at once, and of those that come meanwhile the newest alone. */
export class Intake<T> {
  readonly #now: () => number;
  readonly #deliver: (item: T) => void;
  readonly #frameMs: number;
  readonly #alarm: Alarm;
  #waiting: { readonly item: T } | null = null;

  constructor(timers: Timers, now: () => number, frameMs: number, deliver: (item: T) => void) {
    this.#now = now;
    this.#deliver = deliver;
    this.#frameMs = frameMs;
    this.#alarm = new Alarm(timers, now, () => this.flush());
  }

  /** Take the newest; what was waiting is forgotten. */
  offer(item: T): void {
    this.#waiting = { item };
    if (!this.#alarm.isSet) {
      this.flush();
    }
  }

  /** Deliver what waits now, if anything does. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#alarm.cancel();
    if (waiting !== null) {
      const begun = this.#now();
      // Before the work: it may end this very stream, and then nothing is to be awaited any more.
      this.#alarm.set(this.#frameMs);
      this.#deliver(waiting.item);
      const took = this.#now() - begun;
      if (this.#alarm.isSet && took * SHARE > this.#frameMs) {
        this.#alarm.set(took * SHARE);
      }
    }
  }

  /** Forget what waits. */
  drop(): void {
    this.#waiting = null;
    this.#alarm.cancel();
  }
}
