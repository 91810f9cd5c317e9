/** What the API may send, for tests that try many of it. */

import fc from "fast-check";
import type { Account, Balance, PortfolioDocument } from "../src/model/document";
import { account, balance, document, mirrored, source, textOf, wallet } from "./build";

/** Names that break what is written carelessly, beside some that are usual. */
export const ASSETS = [
  "BTC",
  "ETH",
  "TRY",
  "btc",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "<b>A</b>",
  "A>B",
  "A/B",
  "\u202eCTB",
  "W".repeat(64),
] as const;

export const asset: fc.Arbitrary<string> = fc.constantFrom(...ASSETS);

/** An amount from 0 to a trillion, with up to 18 decimals; often 0, and often one of a few, so that some are equal. */
export const amount: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom("0", "1", "0.1", "0.2", "0.999999999999999999") },
  { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 30n }).map((size) => textOf(size * 10n ** 12n)) },
);

const maybe = fc.option(amount, { nil: null });

const WALLETS = ["spot", "funding", "earn-flexible"] as const;

/** A balance that keeps the promises of the API: free + locked = total, no value without a price. */
export const anyBalance: fc.Arbitrary<Balance> = fc
  .record({
    asset,
    free: amount,
    locked: amount,
    wallet: fc.constantFrom(...WALLETS),
    priceUsd: maybe,
    valueUsd: amount,
    value24hAgoUsd: maybe,
    priceStale: fc.boolean(),
    counted: fc.boolean(),
  })
  .map(({ asset: name, free, priceUsd, valueUsd, value24hAgoUsd, priceStale, counted, ...where }) =>
    balance(name, free, {
      ...where,
      ...(priceUsd === null ? {} : { priceUsd, valueUsd, value24hAgoUsd, priceStale, pricePath: [name, "USD"] }),
      ...(counted ? {} : mirrored("earn-flexible", "BTC")),
    }),
  );

const PLACES = [
  ["binance", "main"],
  ["binance", "savings"],
  ["btcturk", "main"],
  ["kraken", "main"],
] as const;

function anyAccount(exchange: string, label: string): fc.Arbitrary<Account> {
  const statuses = fc.tuple(...WALLETS.map(() => fc.constantFrom("fresh", "stale", "suspicious")));
  return fc.tuple(fc.array(anyBalance, { maxLength: 12 }), statuses).map(([balances, list]) =>
    account(exchange, balances, {
      account: label,
      wallets: WALLETS.map((name, at) => wallet(name, { status: list[at] ?? "fresh" })),
    }),
  );
}

/** Some of four accounts, in any order. */
export const anyAccounts: fc.Arbitrary<Account[]> = fc
  .shuffledSubarray([...PLACES])
  .chain((places) => fc.tuple(...places.map(([exchange, label]) => anyAccount(exchange, label))));

/** A document of some accounts; all sources are there, read or not. */
export const anyDocument: fc.Arbitrary<PortfolioDocument> = anyAccounts.map((accounts) =>
  document(accounts, { sources: PLACES.map(([exchange, label]) => source(exchange, { account: label })) }),
);
