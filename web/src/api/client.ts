/** The calls of the api beside the live state: explain, refresh, the portfolios. Each answers with a value or an error, and never throws. */

import { asFailure, Failure, type FailureKind } from "../live/failure";
import { type Ask, ask, pathOf, type Transport, type TransportOptions, transportOf } from "../live/request";
import { amount, type Check, list, moment, nullable, number, record, text, truth } from "../live/shape";
import type { components } from "./types";

type Schemas = components["schemas"];

/** What an asset's total was made of. */
export type Explanation = Schemas["ExplainBody"];
/** The names of the portfolios, and which of them is shown to who names none. */
export type Portfolios = Schemas["PortfoliosBody"];
/** What a refresh did, account by account. */
export type RefreshOutcome = Schemas["RefreshBody"];

/** Why a call failed, as the page tells it. */
export type ApiErrorKind =
  | "unauthorised"
  | "writes_off"
  | "too_many"
  | "network"
  | "timeout"
  | "not_found"
  | "refused"
  | "server";

/** A failed call. `code` is the api's own name of the error; `message` is its sentence, which comes from outside. */
export interface ApiError {
  readonly kind: ApiErrorKind;
  readonly message: string;
  readonly code: string | null;
  readonly status: number | null;
  /** For `too_many` and for a server that asks for patience: when the next try is worth it. */
  readonly retryAfterSeconds: number | null;
}

/** A value, or why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

/** What a client may be told; everything has a default. */
export interface ClientOptions extends TransportOptions {
  readonly refreshMs?: number;
  readonly readMs?: number;
}

/** The api gives collectors ten seconds and the bus three; what takes longer than this got lost. */
const REFRESH_MS = 20_000;
const READ_MS = 10_000;
/** An explanation is the part of a state that concerns one asset; a larger one is none. */
const ANSWER_LENGTH_MAX = 8 * 1024 * 1024;

const refreshed = record<RefreshOutcome>({
  id: text,
  portfolio: text,
  accounts: list(
    record<Schemas["RefreshedAccount"]>({ exchange: text, account: text, refreshed: truth, message: text }),
  ),
});

const named = record<Portfolios>({ portfolios: list(text), default: text });

const explained = record<Explanation>({
  portfolio: text,
  version: text,
  updatedAt: moment,
  asset: text,
  exchange: nullable(text),
  balances: list(
    record<Schemas["ExplainedBalance"]>({
      exchange: text,
      account: text,
      wallet: text,
      free: amount,
      locked: amount,
      total: amount,
      priceUsd: nullable(amount),
      valueUsd: nullable(amount),
      counted: truth,
      mirrorOf: nullable(record<Schemas["MirrorBody"]>({ wallet: text, asset: text })),
      status: text,
      asOf: moment,
      ageSeconds: number,
      version: text,
    }),
  ),
  prices: list(
    record<Schemas["ExplainedPrice"]>({
      exchange: text,
      priceUsd: amount,
      path: list(text),
      stale: truth,
      legs: list(
        record<Schemas["ExplainedLeg"]>({
          kind: text,
          exchange: nullable(text),
          base: text,
          quote: text,
          price: amount,
          pricedAt: nullable(moment),
          ageSeconds: nullable(number),
          stale: truth,
          version: nullable(text),
        }),
      ),
    }),
  ),
  total: amount,
  valueUsdExact: nullable(amount),
  valueUsd: nullable(number),
  unpriced: amount,
});

/** The api, as the page calls it. */
export class Client {
  readonly #transport: Transport;
  readonly #refreshMs: number;
  readonly #readMs: number;

  constructor(options: ClientOptions = {}) {
    this.#transport = transportOf(options);
    this.#refreshMs = options.refreshMs ?? REFRESH_MS;
    this.#readMs = options.readMs ?? READ_MS;
  }

  /** What the total of an asset was made of, at one exchange or at all; `token` is the read token, where one is set. */
  explain(
    what: { asset: string; exchange?: string | null; portfolio?: string | null },
    token: string | null,
    signal?: AbortSignal,
  ): Promise<Result<Explanation>> {
    const path = pathOf("/api/portfolio/explain", {
      portfolio: what.portfolio,
      asset: what.asset,
      exchange: what.exchange,
    });
    return this.#call<Explanation>(explained, {
      path,
      token,
      answerMs: this.#readMs,
      wholeMs: this.#readMs,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The portfolios that can be asked for; `token` is the read token, where one is set. */
  portfolios(token: string | null): Promise<Result<Portfolios>> {
    return this.#call<Portfolios>(named, {
      path: "/api/portfolios",
      token,
      answerMs: this.#readMs,
      wholeMs: this.#readMs,
    });
  }

  /** Have accounts read now: one, those of an exchange, or all. `token` is the admin token, if the user gave one. */
  refresh(
    what: { exchange?: string | null; account?: string | null; portfolio?: string | null },
    token: string | null,
  ): Promise<Result<RefreshOutcome>> {
    const { portfolio = null, exchange = null, account = null } = what;
    return this.#call<RefreshOutcome>(refreshed, {
      path: "/api/portfolio/refresh",
      token,
      answerMs: this.#refreshMs,
      wholeMs: this.#readMs,
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ portfolio, exchange, account }),
    });
  }

  async #call<T>(check: Check, what: Omit<Ask, "lengthMax">): Promise<Result<T>> {
    try {
      const { text: body } = await ask(this.#transport, { ...what, lengthMax: ANSWER_LENGTH_MAX });
      return { ok: true, value: read<T>(body, check) };
    } catch (thrown) {
      return { ok: false, error: errorOf(asFailure(thrown)) };
    }
  }
}

function read<T>(body: string, check: Check): T {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new Failure("broken", "The server sent something that is not JSON.");
  }
  if (check(value) !== null) {
    throw new Failure("broken", "The server sent an answer of a wrong shape.");
  }
  return value as T;
}

const KINDS: Readonly<Record<FailureKind, ApiErrorKind>> = {
  network: "network",
  timeout: "timeout",
  silent: "timeout",
  closed: "network",
  unauthorised: "unauthorised",
  not_found: "not_found",
  busy: "server",
  too_many: "too_many",
  refused: "refused",
  server: "server",
  broken: "server",
  too_large: "server",
  starting: "server",
};

function errorOf(failure: Failure): ApiError {
  return {
    kind: failure.code === "writes_off" ? "writes_off" : KINDS[failure.kind],
    message: failure.message,
    code: failure.code,
    status: failure.status,
    retryAfterSeconds: failure.retryAfterMs === null ? null : Math.ceil(failure.retryAfterMs / 1_000),
  };
}
