/** One request and its whole answer, with a bound on time and on size. */

import { asFailure, bearer, ERROR_LENGTH_MAX, Failure, refusalOf } from "./failure";
import { TIMERS, type Timers } from "./limits";

/** How requests are sent. */
export interface Transport {
  readonly fetch: typeof fetch;
  readonly baseUrl: string;
  readonly now: () => number;
  readonly timers: Timers;
}

/** A transport as far as somebody wants another than the platform's. */
export interface TransportOptions {
  readonly fetch?: typeof fetch;
  readonly baseUrl?: string;
  readonly now?: () => number;
  readonly timers?: Timers;
}

/** The transport that these options mean. */
export function transportOf(options: TransportOptions): Transport {
  return {
    // Bound: a browser's fetch refuses to be called as anybody else's method.
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    baseUrl: options.baseUrl ?? "",
    now: options.now ?? (() => Date.now()),
    timers: options.timers ?? TIMERS,
  };
}

/** What to ask. `answerMs` is the time to the answer's headers, `wholeMs` the time to its end. */
export interface Ask {
  readonly path: string;
  readonly token: string | null;
  readonly answerMs: number;
  readonly wholeMs: number;
  readonly lengthMax: number;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** A successful answer. `dateSkewMs` is the server's clock minus ours by its Date header, to half a second. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly dateSkewMs: number | null;
}

const NOT_MODIFIED = 304;
/** A Date header has whole seconds: on average half a second has passed of the one it names. */
const HALF_SECOND_MS = 500;

/** A path with those parameters that are given. */
export function pathOf(path: string, parameters: Readonly<Record<string, string | null | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** The headers that every request has. */
export function headersOf(token: string | null, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return token === null ? { ...more } : { ...more, Authorization: bearer(token) };
}

/** The server's clock minus ours, by the Date header of an answer whose headers came just now. */
export function dateSkewOf(headers: Headers, now: number): number | null {
  const date = Date.parse(headers.get("Date") ?? "");
  return Number.isNaN(date) ? null : date + HALF_SECOND_MS - now;
}

/** Ask and wait for the whole answer. Throws a Failure for everything that is neither a success nor "not modified". */
export async function ask(transport: Transport, what: Ask): Promise<Answer> {
  const control = new AbortController();
  const late = () => control.abort(new Failure("timeout", "The server gave no answer in time."));
  const outer = () => control.abort(what.signal?.reason);
  let timer = transport.timers.set(late, what.answerMs);
  what.signal?.addEventListener("abort", outer);
  try {
    const response = await transport.fetch(transport.baseUrl + what.path, {
      method: what.method ?? "GET",
      headers: headersOf(what.token, what.headers),
      body: what.body ?? null,
      cache: "no-store",
      signal: control.signal,
    });
    const now = transport.now();
    transport.timers.clear(timer);
    timer = transport.timers.set(late, what.wholeMs);
    if (!response.ok && response.status !== NOT_MODIFIED) {
      throw await refusal(response, now);
    }
    const text = await readText(response, what.lengthMax);
    return { status: response.status, headers: response.headers, text, dateSkewMs: dateSkewOf(response.headers, now) };
  } catch (thrown) {
    // Also ends what is still on its way of an answer that we want no more of.
    control.abort();
    throw control.signal.reason instanceof Failure ? control.signal.reason : asFailure(thrown);
  } finally {
    transport.timers.clear(timer);
    what.signal?.removeEventListener("abort", outer);
  }
}

/** The failure that an answer stands for. Its body is read as far as it is one of ours. */
export async function refusal(response: Response, now: number): Promise<Failure> {
  const body = await readText(response, ERROR_LENGTH_MAX).catch(() => "");
  return refusalOf(response.status, response.headers, body, now);
}

async function readText(response: Response, lengthMax: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) {
    return "";
  }
  const decoder = new Utf8();
  const parts: string[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    const part = decoder.decode(value);
    parts.push(part);
    length += part.length;
    if (length > lengthMax) {
      void reader.cancel().catch(() => undefined);
      throw new Failure("too_large", "The server's answer is larger than any portfolio.");
    }
    if (done) {
      return parts.join("");
    }
  }
}

/** Bytes to text, wherever they are cut. What is no UTF-8 is a failure: an asset's name is shown right or not at all. */
export class Utf8 {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  /** The text of the next bytes; without bytes, the end. */
  decode(bytes: Uint8Array | undefined): string {
    try {
      return bytes === undefined ? this.#decoder.decode() : this.#decoder.decode(bytes, { stream: true });
    } catch {
      throw new Failure("broken", "The server sent bytes that are not text.");
    }
  }
}
