/** One try of the live stream, from the request to its end. */

import { createParser } from "eventsource-parser";
import { asFailure, Failure } from "./failure";
import type { Limits } from "./limits";
import { dateSkewOf, headersOf, refusal, type Transport, Utf8 } from "./request";

/** What a stream tells while it runs. */
export interface StreamListener {
  /** The newest event of those that came together; those before it are outdated and never even parsed. */
  text(newest: string, from: StreamTry): void;
  /** It is over; always the last word, and said once. */
  ended(failure: Failure, from: StreamTry): void;
}

/** A stream that is being opened or read. It ends by itself, or by `abort`. */
export class StreamTry {
  readonly #control = new AbortController();
  readonly #limits: Limits;
  readonly #now: () => number;
  /** When it was begun, or when bytes last came. */
  #touchedAt: number;
  /** When bytes last came before those that the newest state ended with. */
  #beforeNewestAt: number;
  #openedAt: number | null = null;
  #liveAt: number | null = null;
  /** The server's clock minus ours, by the Date header. */
  dateSkewMs: number | null = null;

  constructor(transport: Transport, limits: Limits, path: string, token: string | null, listener: StreamListener) {
    this.#limits = limits;
    this.#now = transport.now;
    this.#touchedAt = transport.now();
    this.#beforeNewestAt = this.#touchedAt;
    void this.#run(transport, path, token, listener).then((failure) => listener.ended(failure, this));
  }

  /** End it for this reason. */
  abort(failure: Failure): void {
    this.#control.abort(failure);
  }

  /** A good document came: from the first on it is live. */
  markLive(): void {
    this.#liveAt ??= this.#now();
  }

  /** Whether a good document ever came. */
  get isLive(): boolean {
    return this.#liveAt !== null;
  }

  /** Until when its last good document was the newest, given why it ended: a broken one ended that when it came. */
  trueUntil(failure: Failure): number {
    return failure.kind === "broken" || failure.kind === "too_large" ? this.#beforeNewestAt : this.#touchedAt;
  }

  /** Whether it was live for so long that its loss is no failed try. */
  get wasSteady(): boolean {
    return this.#liveAt !== null && this.#now() - this.#liveAt >= this.#limits.steadyMs;
  }

  /** Whether nothing came for longer than the server stays silent. */
  get missedHeartbeat(): boolean {
    return (
      this.#now() - this.#touchedAt > (this.#openedAt === null ? this.#limits.connectMs : this.#limits.heartbeatMs)
    );
  }

  /** Milliseconds until it is overdue; 0 or less when it is. */
  get patienceMs(): number {
    const now = this.#now();
    // The wall clock may have been set back; then the waiting begins anew rather than last for hours.
    this.#touchedAt = Math.min(this.#touchedAt, now);
    if (this.#openedAt === null) {
      return this.#touchedAt + this.#limits.connectMs - now;
    }
    this.#openedAt = Math.min(this.#openedAt, now);
    const silent = this.#touchedAt + this.#limits.silenceMs - now;
    const empty = this.#openedAt + this.#limits.firstDocumentMs - now;
    return this.#liveAt === null ? Math.min(silent, empty) : silent;
  }

  /** Why it is given up when it is overdue or missed a heartbeat. */
  get complaint(): Failure {
    return this.#openedAt === null
      ? new Failure("timeout", "The server gave no answer in time.")
      : new Failure("silent", "The server has gone silent.");
  }

  async #run(transport: Transport, path: string, token: string | null, listener: StreamListener): Promise<Failure> {
    const signal = this.#control.signal;
    try {
      const response = await transport.fetch(transport.baseUrl + path, {
        headers: headersOf(token, { Accept: "text/event-stream" }),
        cache: "no-store",
        signal,
      });
      const now = transport.now();
      this.#touchedAt = now;
      this.#openedAt = now;
      this.dateSkewMs = dateSkewOf(response.headers, now);
      if (!response.ok) {
        return await refusal(response, now);
      }
      const type = response.headers.get("Content-Type") ?? "";
      if (response.body === null || !/^text\/event-stream\s*(;|$)/i.test(type)) {
        return new Failure("refused", "What answers is not the live stream.", { status: response.status });
      }
      await this.#read(response.body.getReader(), listener);
      return new Failure("closed", "The server closed the stream.");
    } catch (thrown) {
      return signal.reason instanceof Failure ? signal.reason : asFailure(thrown);
    } finally {
      // Nothing more is wanted of it, however it ended.
      this.#control.abort();
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>, listener: StreamListener): Promise<void> {
    const lengthMax = this.#limits.documentLengthMax;
    let newest: string | null = null;
    let tooLarge = false;
    const parser = createParser({
      maxBufferSize: lengthMax,
      onEvent: ({ event, data }) => {
        if (event === undefined || event === "message") {
          newest = data;
          tooLarge ||= data.length > lengthMax;
        }
      },
      onError: (error) => {
        tooLarge ||= error.type === "max-buffer-size-exceeded";
      },
    });
    const decoder = new Utf8();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const before = this.#touchedAt;
      this.#touchedAt = this.#now();
      parser.feed(decoder.decode(value));
      if (newest !== null || tooLarge) {
        this.#beforeNewestAt = before;
      }
      if (tooLarge) {
        throw new Failure("too_large", "The server's answer is larger than any portfolio.");
      }
      if (newest !== null) {
        const text: string = newest;
        newest = null;
        listener.text(text, this);
      }
    }
  }
}
