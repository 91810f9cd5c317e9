import { Alarm } from "./alarm";
import { asFailure, type Failure } from "./failure";
import { backoffMs, type Limits } from "./limits";
import { type Answer, ask, type Transport } from "./request";

const NOT_MODIFIED = 304;

/** When there is news of the network, what has lasted for so many polls is not waited for any more. */
export const HANGS_POLLS = 2;

/** What a poller tells; each may stop it. */
export interface PollListener {
  /** A state came; a Failure where it cannot be used. */
  answer(answer: Answer): Failure | null;
  /** The server answered: with a usable state, or that there is none newer. `again`: after it had failed to. */
  succeeded(again: boolean): void;
  failed(failure: Failure): void;
}

/** Asks for the state again and again, while no stream can be had. */
export class Poller {
  readonly #transport: Transport;
  readonly #limits: Limits;
  readonly #random: () => number;
  readonly #path: string;
  readonly #token: () => string | null;
  readonly #listener: PollListener;
  readonly #alarm: Alarm;
  #request: AbortController | null = null;
  #etag: string | null = null;
  #failures = 0;
  #askedAt = 0;
  #wellAt = 0;

  constructor(
    transport: Transport,
    limits: Limits,
    random: () => number,
    path: string,
    token: () => string | null,
    listener: PollListener,
  ) {
    this.#transport = transport;
    this.#limits = limits;
    this.#random = random;
    this.#path = path;
    this.#token = token;
    this.#listener = listener;
    this.#alarm = new Alarm(transport.timers, transport.now, () => void this.#poll());
  }

  /** How many polls failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether it polls. */
  get isRunning(): boolean {
    return this.#alarm.isSet || this.#request !== null;
  }

  /** Milliseconds since a poll last succeeded, or since it was begun to poll. */
  get staleMs(): number {
    return this.#transport.now() - this.#wellAt;
  }

  /** Poll from now on. */
  start(): void {
    if (!this.isRunning) {
      this.#wellAt = this.#transport.now();
      void this.#poll();
    }
  }

  /** Poll no more, and forget which version was the last: by the next time another may be shown. */
  stop(): void {
    this.#alarm.cancel();
    this.#request?.abort();
    this.#request = null;
    this.#etag = null;
    this.#failures = 0;
  }

  /** Poll after this short time, if polling at all. A request that hangs (from before sleep, maybe) is given up. */
  hurry(milliseconds: number): void {
    const { pollMs } = this.#limits;
    if (this.#request !== null && this.#transport.now() - this.#askedAt > HANGS_POLLS * pollMs) {
      const request = this.#request;
      this.#request = null;
      this.#alarm.set(milliseconds);
      request.abort();
    } else {
      this.#alarm.hurry(milliseconds);
    }
  }

  async #poll(): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    this.#askedAt = this.#transport.now();
    let failure: Failure | null = null;
    try {
      const answer = await ask(this.#transport, {
        path: this.#path,
        token: this.#token(),
        answerMs: this.#limits.connectMs,
        wholeMs: this.#limits.firstDocumentMs,
        lengthMax: this.#limits.documentLengthMax,
        headers: this.#etag === null ? {} : { "If-None-Match": this.#etag },
        signal: request.signal,
      });
      if (this.#request === request && answer.status !== NOT_MODIFIED) {
        failure = this.#listener.answer(answer);
        this.#etag = failure === null ? answer.headers.get("ETag") : null;
      }
    } catch (thrown) {
      failure = asFailure(thrown);
    }
    // Stopped meanwhile: whoever did that wants to hear no more of this one.
    if (this.#request === request) {
      this.#request = null;
      this.#after(failure);
    }
  }

  #after(failure: Failure | null): void {
    const { pollMs, pollBackoffFirstMs, backoffMaxMs, retryAfterMaxMs } = this.#limits;
    if (failure === null) {
      const again = this.#failures > 0;
      this.#wellAt = this.#transport.now();
      this.#failures = 0;
      this.#alarm.set(pollMs);
      this.#listener.succeeded(again);
    } else {
      this.#failures += 1;
      const wait = backoffMs(this.#failures, pollBackoffFirstMs, backoffMaxMs, this.#random);
      this.#alarm.set(wait, Math.min(failure.retryAfterMs ?? 0, retryAfterMaxMs));
      this.#listener.failed(failure);
    }
  }
}
