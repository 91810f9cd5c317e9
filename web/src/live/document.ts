/** The document of `GET /api/portfolio` and of every event of its stream: read, and held to its shape. */

import type { components } from "../api/types";
import { amount, list, moment, nullable, number, record, text, truth } from "./shape";

type Schemas = components["schemas"];

/** A portfolio's newest state, as the api serves it. */
export type PortfolioDocument = Schemas["PortfolioBody"];

/** The only version of the document that this page understands. */
export const SCHEMA_VERSION = 1;

/** What a text turned out to be. `broken` names the place, never what stands there: that may be anybody's wealth. */
export type Reading =
  | { readonly kind: "document"; readonly document: PortfolioDocument }
  | { readonly kind: "unsupported"; readonly schemaVersion: number }
  | { readonly kind: "broken"; readonly message: string };

const mirror = record<Schemas["MirrorBody"]>({ wallet: text, asset: text });

const balance = record<Schemas["BalanceBody"]>({
  asset: text,
  code: nullable(text),
  wallet: text,
  free: amount,
  locked: amount,
  total: amount,
  priceUsd: nullable(amount),
  valueUsd: nullable(amount),
  value24hAgoUsd: nullable(amount),
  pricePath: nullable(list(text)),
  priceStale: truth,
  counted: truth,
  mirrorOf: nullable(mirror),
});

const wallet = record<Schemas["WalletBody"]>({
  wallet: text,
  status: text,
  asOf: moment,
  staleAt: moment,
  ageSeconds: number,
  cause: text,
  commandId: nullable(text),
  pollIntervalSeconds: number,
  assetCount: number,
  totalUsd: number,
  totalUsdExact: amount,
  version: text,
});

const account = record<Schemas["AccountBody"]>({
  exchange: text,
  account: text,
  status: text,
  asOf: moment,
  ageSeconds: number,
  balances: list(balance),
  wallets: list(wallet),
  totals: record<Schemas["AccountTotals"]>({ totalUsd: number, totalUsdExact: amount }),
});

const named = record<Schemas["NamedTotalBody"]>({ name: text, totalUsd: number, totalUsdExact: amount });

const totals = record<Schemas["TotalsBody"]>({
  totalUsd: nullable(number),
  totalUsdExact: nullable(amount),
  partial: truth,
  reasons: list(
    record<Schemas["ReasonBody"]>({
      kind: text,
      exchange: nullable(text),
      account: nullable(text),
      wallet: nullable(text),
      asset: nullable(text),
    }),
  ),
  unpriced: list(record<Schemas["UnpricedBody"]>({ exchange: text, account: text, wallet: text, asset: text, amount })),
  byExchange: list(named),
  byWallet: list(named),
  byAsset: list(
    record<Schemas["AssetTotalBody"]>({
      asset: text,
      total: amount,
      valueUsd: nullable(amount),
      unpriced: amount,
      change24hUsd: nullable(amount),
      change24hPercent: nullable(amount),
    }),
  ),
  change24h: nullable(record<Schemas["ChangeBody"]>({ usd: amount, percent: nullable(amount), complete: truth })),
});

const failure = nullable(
  record<Schemas["ErrorDetail"]>({
    kind: text,
    reason: nullable(text),
    message: text,
    mend: text,
    at: moment,
    retryAt: nullable(moment),
  }),
);

const source = record<Schemas["SourceBody"]>({
  exchange: text,
  account: text,
  state: text,
  lastSuccessAt: nullable(moment),
  error: failure,
  permissions: record<Schemas["PermissionsBody"]>({ state: text, flags: list(text), ipRestricted: nullable(truth) }),
  wallets: list(
    record<Schemas["SourceWalletBody"]>({
      wallet: text,
      health: text,
      pollIntervalSeconds: number,
      lastSuccessAt: nullable(moment),
      error: failure,
    }),
  ),
});

const portfolio = record<PortfolioDocument>({
  schemaVersion: number,
  portfolio: text,
  version: nullable(text),
  updatedAt: nullable(moment),
  demo: truth,
  accounts: list(account),
  totals,
  sources: list(source),
  bus: record<Schemas["BusBody"]>({ state: text, since: nullable(moment), reason: nullable(text) }),
  prices: list(
    record<Schemas["PriceBody"]>({
      exchange: text,
      asset: text,
      priceUsd: amount,
      price24hAgoUsd: nullable(amount),
      path: list(text),
      pricedAt: nullable(moment),
      stale: truth,
    }),
  ),
  rates: list(
    record<Schemas["RateBody"]>({
      currency: text,
      perUsd: amount,
      path: list(text),
      pricedAt: nullable(moment),
      stale: truth,
    }),
  ),
  pegs: list(text),
});

/** Read a document's text; whatever it holds, this returns. */
export function readDocument(source: string): Reading {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    return { kind: "broken", message: "The server sent something that is not JSON." };
  }
  // Before the shape: of a newer document nothing else is known.
  const version = typeof value === "object" && value !== null && (value as { schemaVersion?: unknown }).schemaVersion;
  if (typeof version === "number" && version !== SCHEMA_VERSION) {
    return { kind: "unsupported", schemaVersion: version };
  }
  const wrong = portfolio(value);
  if (wrong !== null) {
    const place = wrong === "" ? "the whole" : wrong.replace(/^\./, "");
    return { kind: "broken", message: `The server sent a document of a wrong shape: ${place}.` };
  }
  return { kind: "document", document: value as PortfolioDocument };
}
