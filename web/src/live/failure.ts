/** Why a request or a stream came to nothing, as one kind of error. */

/** What went wrong; the page says it in the reader's language by this. */
export type FailureKind =
  | "network"
  | "timeout"
  | "silent"
  | "closed"
  | "unauthorised"
  | "not_found"
  | "busy"
  | "too_many"
  | "refused"
  | "server"
  | "broken"
  | "too_large"
  | "starting";

/** The server's sentence is for people and comes from outside: no more of it than this is kept. */
const MESSAGE_LENGTH_MAX = 300;
const CODE = /^[a-z_]{2,40}$/;
/** An error's body is a code and a sentence; a larger one is none of ours. */
export const ERROR_LENGTH_MAX = 16_384;

/** A failed request. `code` is the api's own name of the error, `retryAfterMs` how long it asks to be left alone. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly status: number | null;
  readonly code: string | null;
  readonly retryAfterMs: number | null;

  constructor(
    kind: FailureKind,
    message: string,
    more: { status?: number; code?: string | null; retryAfterMs?: number | null } = {},
  ) {
    super(message);
    this.name = "Failure";
    this.kind = kind;
    this.status = more.status ?? null;
    this.code = more.code ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/** Whatever was thrown on the way, as a failure. The platform's own words are not shown: they differ and may leak. */
export function asFailure(thrown: unknown): Failure {
  return thrown instanceof Failure ? thrown : new Failure("network", "The server cannot be reached.");
}

/** What an answer that is no success means, given its status, its headers and its body. */
export function refusalOf(status: number, headers: Headers, body: string, now: number): Failure {
  const { code, message } = readError(body);
  const said = message ?? `The server answered with status ${status}.`;
  return new Failure(kindOf(status, code), said, {
    status,
    code,
    retryAfterMs: parseRetryAfter(headers.get("Retry-After"), now),
  });
}

function kindOf(status: number, code: string | null): FailureKind {
  if (status === 401) {
    return "unauthorised";
  }
  // A name that no portfolio can have is as good as one that none has.
  if (status === 404 || (status === 400 && code === "bad_parameter")) {
    return "not_found";
  }
  if (status === 429) {
    return "too_many";
  }
  if (status === 503) {
    return "busy";
  }
  return status >= 500 ? "server" : "refused";
}

function readError(body: string): { code: string | null; message: string | null } {
  let value: unknown = null;
  try {
    value = JSON.parse(body);
  } catch {
    // A proxy's page, or nothing at all: the status says what there is to say.
  }
  if (typeof value !== "object" || value === null) {
    return { code: null, message: null };
  }
  const { error, message } = value as { error?: unknown; message?: unknown };
  return {
    code: typeof error === "string" && CODE.test(error) ? error : null,
    message: typeof message === "string" && message !== "" ? message.slice(0, MESSAGE_LENGTH_MAX) : null,
  };
}

/** Milliseconds that a Retry-After header asks for, given as seconds or as a date; null where it says neither. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null) {
    return null;
  }
  if (/^\d{1,9}$/.test(header.trim())) {
    return Number(header) * 1_000;
  }
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** The header of a token; a failure where it holds what no token can hold and no header may carry. */
export function bearer(token: string): string {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw new Failure("unauthorised", "The token holds characters that no token has.");
  }
  return `Bearer ${token}`;
}
