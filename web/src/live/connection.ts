/**
 * The live connection: one stream, tried again by a plan, and polls in its place while no stream can be had.
 *
 * It keeps the newest document and nothing else. Whatever goes wrong, the document stays, and the status tells.
 */

import { Alarm } from "./alarm";
import { Failure } from "./failure";
import { Hold, startingFailure } from "./hold";
import { Intake } from "./intake";
import { errorOf, Keeper } from "./keeper";
import { LIMITS, type Limits } from "./limits";
import { planAfter } from "./plan";
import { HANGS_POLLS, Poller } from "./poller";
import { type Answer, pathOf, type Transport, type TransportOptions, transportOf } from "./request";
import type { ConnectionState, ConnectionStatus } from "./state";
import { StreamTry } from "./stream";
import { type Arrival, Taking } from "./taking";
import { Watch } from "./watch";

/** What a connection may be told; everything has a default. */
export interface ConnectionOptions extends TransportOptions {
  readonly portfolio?: string;
  readonly random?: () => number;
  readonly limits?: Partial<Limits>;
}

/** The page's one connection to its portfolio. */
export class Connection {
  readonly #limits: Limits;
  readonly #transport: Transport;
  readonly #random: () => number;
  readonly #path: string;
  readonly #keeper: Keeper;
  readonly #taking = new Taking();
  readonly #intake: Intake<{ readonly arrival: Arrival; readonly from: StreamTry }>;
  readonly #poller: Poller;
  readonly #hold: Hold;
  /** Rings when the next stream is to be tried. */
  readonly #again: Alarm;
  /** Rings when a stream may be overdue, and often enough to notice that the machine slept. */
  readonly #watch: Watch;
  #running = false;
  #token: string | null = null;
  #stream: StreamTry | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** Streams that failed in a row. */
  #failures = 0;
  /** Why there is no stream. */
  #why: Failure | null = null;

  constructor(options: ConnectionOptions = {}) {
    const parameters = { portfolio: options.portfolio };
    this.#limits = { ...LIMITS, ...options.limits };
    this.#random = options.random ?? Math.random;
    this.#transport = transportOf(options);
    const { now, timers } = this.#transport;
    this.#path = pathOf("/api/portfolio/stream", parameters);
    this.#keeper = new Keeper(now);
    this.#again = new Alarm(timers, now, () => this.#try());
    const { watchMs, sleepMs, frameMs } = this.#limits;
    this.#watch = new Watch(timers, now, watchMs, sleepMs, (slept) => this.#look(slept));
    this.#intake = new Intake(timers, now, frameMs, ({ arrival, from }) => this.#arrived(arrival, from));
    this.#hold = new Hold(timers, now, this.#limits, (change) => this.#understood(change));
    const path = pathOf("/api/portfolio", parameters);
    this.#poller = new Poller(this.#transport, this.#limits, this.#random, path, () => this.#token, {
      answer: (answer) => this.#answered(answer),
      succeeded: (again) => this.#polled(again),
      failed: (failure) => this.#pollFailed(failure),
    });
  }

  /** The state as it is; the same object until something changes. */
  readonly getSnapshot = (): ConnectionState => this.#keeper.state;

  /** Be called after every change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => this.#keeper.subscribe(listener);

  /** Connect, and stay connected. */
  start(): void {
    if (!this.#running) {
      this.#running = true;
      this.#begin();
    }
  }

  /** Disconnect. What is known stays. */
  stop(): void {
    if (this.#running) {
      this.#running = false;
      this.#halt();
      this.#set(this.#keeper.tryingStatus, {});
    }
  }

  /** There may be news of the network: the page is seen again, or the machine woke. Try now what was to be tried later. */
  wake(): void {
    if (!this.#running) {
      return;
    }
    const { wakeMs, pollMs } = this.#limits;
    const wait = Math.min(wakeMs, Math.max(0, this.#triedAt + wakeMs - this.#now()));
    this.#doubtPolls(HANGS_POLLS * pollMs);
    this.#poller.hurry(wait);
    if (this.#stream?.missedHeartbeat) {
      this.#drop(this.#stream, this.#stream.complaint);
      return;
    }
    if (!this.#poller.isRunning) {
      this.#failures = 0;
    }
    this.#again.hurry(wait);
  }

  /** Read with this token from now on, or with none. It is kept in memory only. */
  setToken(token: string | null): void {
    const changed = token !== this.#token;
    this.#token = token;
    if (this.#running && (changed || this.#keeper.state.status === "unauthorised")) {
      // Also where a stream is open: it was opened with what no longer holds.
      this.#halt();
      this.#begin();
    }
  }

  #begin(): void {
    this.#failures = 0;
    this.#set(this.#keeper.tryingStatus, { lastError: null, lastErrorKind: null });
    this.#try();
  }

  #halt(): void {
    const stream = this.#stream;
    this.#stream = null;
    const failure = new Failure("closed", "The page ended the stream.");
    if (stream !== null) {
      this.#heardOf(stream, failure);
      stream.abort(failure);
    }
    this.#hold.forget();
    this.#again.cancel();
    this.#watch.stop();
    this.#intake.drop();
    this.#poller.stop();
  }

  #try(): void {
    this.#again.cancel();
    if (this.#stream === null) {
      this.#triedAt = this.#now();
      this.#stream = new StreamTry(this.#transport, this.#limits, this.#path, this.#token, {
        text: (text, from) => this.#offered(text, from),
        ended: (failure, from) => this.#ended(failure, from),
      });
    }
    this.#watchAgain();
  }

  #offered(text: string, from: StreamTry): void {
    if (from === this.#stream) {
      this.#intake.offer({ arrival: { text, at: this.#now(), dateSkewMs: from.dateSkewMs }, from });
    }
  }

  #arrived(arrival: Arrival, from: StreamTry): void {
    if (from !== this.#stream) {
      return;
    }
    const change = this.#taking.take(arrival, this.#keeper.state);
    if (change instanceof Failure) {
      this.#drop(from, change);
      return;
    }
    const isDeferred = this.#hold.defers(change, this.#keeper.state);
    from.markLive();
    this.#why = null;
    this.#poller.stop();
    if (isDeferred) {
      this.#hold.keep(change);
      this.#set(this.#keeper.tryingStatus, errorOf(startingFailure()));
    } else {
      this.#understood(change);
    }
  }

  /** The stream told the newest state. */
  #understood(change: Partial<ConnectionState>): void {
    this.#keeper.alive(change);
    this.#set("live", { ...change, lastError: null, lastErrorKind: null, attempts: 0 });
  }

  #answered({ text, dateSkewMs }: Answer): Failure | null {
    const change = this.#taking.take({ text, at: this.#now(), dateSkewMs }, this.#keeper.state);
    if (change instanceof Failure) {
      return change;
    }
    if (this.#hold.defers(change, this.#keeper.state)) {
      return startingFailure();
    }
    this.#keeper.alive(change);
    this.#set("polling", change);
    return null;
  }

  #drop(stream: StreamTry, failure: Failure): void {
    stream.abort(failure);
    this.#ended(failure, stream);
  }

  #ended(failure: Failure, from: StreamTry): void {
    if (from === this.#stream) {
      // The last state that came may still wait for its frame. If it is broken, it is what the stream ends of.
      this.#intake.flush();
    }
    if (from !== this.#stream) {
      return;
    }
    this.#heardOf(from, failure);
    this.#hold.pause();
    this.#stream = null;
    this.#intake.drop();
    this.#why = failure;
    const before = { failures: this.#failures, wasSteady: from.wasSteady, isPolling: this.#poller.isRunning };
    const plan = planAfter(failure, before, this.#limits, this.#random);
    this.#failures = plan.failures;
    if (failure.kind === "unauthorised" || failure.kind === "not_found") {
      this.#refused(failure);
      return;
    }
    this.#tryAgain(plan.waitMs, failure);
    this.#lost(failure);
    if (plan.poll && this.#running) {
      this.#poller.start();
    }
  }

  /** Say that there is no stream, unless a status that tells more stands already. */
  #lost(failure: Failure): void {
    const { status } = this.#keeper.state;
    if (this.#poller.isRunning && status === "offline") {
      // Why the polls fail says more than why there is no stream.
      this.#set(status, {});
    } else {
      const keeps = this.#poller.isRunning && status === "polling";
      this.#set(keeps ? status : this.#keeper.tryingStatus, errorOf(failure));
    }
  }

  /** The server will not have us: without a token nothing is tried, an unknown portfolio may become known. */
  #refused(failure: Failure): void {
    if (failure.kind === "unauthorised") {
      this.#halt();
      this.#set("unauthorised", errorOf(failure));
      return;
    }
    this.#poller.stop();
    if (this.#stream === null) {
      const before = { failures: Math.max(0, this.#failures - 1), wasSteady: false, isPolling: false };
      this.#tryAgain(planAfter(failure, before, this.#limits, this.#random).waitMs, failure);
    }
    const isDoubted = this.#hold.doubtsAbsence(this.#keeper.state);
    this.#set(isDoubted ? "reconnecting" : "not_found", errorOf(failure));
  }

  #polled(again: boolean): void {
    this.#keeper.alive(this.#keeper.state);
    this.#set("polling", this.#why === null ? {} : errorOf(this.#why));
    if (again) {
      // The server is back, so why wait for what is better than polls.
      this.#again.hurry(0);
    }
  }

  #pollFailed(failure: Failure): void {
    if (failure.kind === "unauthorised" || failure.kind === "not_found") {
      this.#refused(failure);
    } else {
      this.#set(failure.kind === "starting" ? this.#keeper.tryingStatus : "offline", errorOf(failure));
    }
  }

  /** Polls that succeeded last so long ago are no longer believed to come through. */
  #doubtPolls(staleMs: number): void {
    if (this.#poller.isRunning && this.#keeper.state.status === "polling" && this.#poller.staleMs > staleMs) {
      this.#set(this.#keeper.tryingStatus, errorOf(new Failure("timeout", "The server gave no answer in time.")));
    }
  }

  /** A stream ended: until then it would have told of anything newer. */
  #heardOf(stream: StreamTry, failure: Failure): void {
    if (stream.isLive && this.#keeper.state.unsupported === null && !this.#hold.isHolding) {
      this.#keeper.wasAliveAt(stream.trueUntil(failure));
    }
  }

  #tryAgain(wait: number, failure: Failure): void {
    this.#again.set(wait, Math.min(failure.retryAfterMs ?? 0, this.#limits.retryAfterMaxMs));
    this.#watchAgain();
  }

  #watchAgain(): void {
    if (!this.#running) {
      return; // Somebody who was told of a change stopped it.
    }
    this.#watch.again(this.#stream?.patienceMs ?? this.#limits.watchMs);
  }

  #look(slept: boolean): void {
    const { pollMs, connectMs } = this.#limits;
    // What is on its way may be large and slow; but so long after the last one, what is shown is old.
    this.#doubtPolls(pollMs + connectMs);
    if (this.#stream !== null && this.#stream.patienceMs <= 0) {
      this.#drop(this.#stream, this.#stream.complaint);
    } else if (slept) {
      this.wake();
    }
    this.#watchAgain();
  }

  #set(status: ConnectionStatus, change: Partial<ConnectionState>): void {
    this.#keeper.set(status, { attempts: this.#failures + this.#poller.failures, ...change });
  }

  #now(): number {
    return this.#transport.now();
  }
}
