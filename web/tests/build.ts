/** Documents of the API, made of only what a test is about. */

import type { Account, Balance, PortfolioDocument, Source, Wallet } from "../src/model/document";

/** When everything here was read. */
export const NOON = "2026-11-23T12:00:00.000Z";

/** All amounts of the API fit into units of this size. */
const DECIMALS = 30;

/** An amount as a whole number of the smallest units: arithmetic that owes nothing to the code under test. */
export function units(text: string, decimals = DECIMALS): bigint {
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole + fraction.padEnd(decimals, "0"));
  return text.startsWith("-") ? -size : size;
}

/** The amount of so many units, as the API writes it. */
export function textOf(size: bigint): string {
  const digits = (size < 0n ? -size : size).toString().padStart(DECIMALS + 1, "0");
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return `${size < 0n ? "-" : ""}${digits.slice(0, -DECIMALS)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The exact sum of amounts. */
export function sumOf(texts: readonly string[]): string {
  return textOf(texts.reduce((sum, text) => sum + units(text), 0n));
}

/** A balance that is all free, and has no price unless one is given. */
export function balance(asset: string, free: string, more: Partial<Balance> = {}): Balance {
  const locked = more.locked ?? "0";
  return {
    asset,
    code: null,
    wallet: "spot",
    free,
    locked,
    total: sumOf([free, locked]),
    priceUsd: null,
    valueUsd: null,
    value24hAgoUsd: null,
    pricePath: null,
    priceStale: false,
    counted: true,
    mirrorOf: null,
    ...more,
  };
}

/** What a balance has that is worth so much. */
export function worth(valueUsd: string, more: Partial<Balance> = {}): Partial<Balance> {
  return { priceUsd: "1", valueUsd, pricePath: ["USD"], ...more };
}

/** What a balance has that stands in another wallet, and counts there. */
export function mirrored(wallet: string, asset: string): Partial<Balance> {
  return { counted: false, mirrorOf: { wallet, asset } };
}

/** A wallet that was just read. */
export function wallet(name: string, more: Partial<Wallet> = {}): Wallet {
  return {
    wallet: name,
    status: "fresh",
    asOf: NOON,
    staleAt: "2026-11-23T12:01:00.000Z",
    ageSeconds: 0,
    cause: "poll",
    commandId: null,
    pollIntervalSeconds: 10,
    assetCount: 1,
    totalUsd: 0,
    totalUsdExact: "0",
    version: "1-1",
    ...more,
  };
}

/** An account of these balances, with the total that the API would give it. */
export function account(exchange: string, balances: readonly Balance[], more: Partial<Account> = {}): Account {
  const exact = sumOfValues(balances);
  return {
    exchange,
    account: "main",
    status: "fresh",
    asOf: NOON,
    ageSeconds: 0,
    balances: [...balances],
    wallets: [...new Set(balances.map((one) => one.wallet))].map((name) => wallet(name)),
    totals: { totalUsd: Number(exact), totalUsdExact: exact },
    ...more,
  };
}

/** A source that reads well: one wallet, called spot. */
export function source(exchange: string, more: Partial<Source> = {}): Source {
  return {
    exchange,
    account: "main",
    state: "live",
    lastSuccessAt: NOON,
    error: null,
    permissions: { state: "read_only", flags: [], ipRestricted: null },
    wallets: [{ wallet: "spot", health: "ok", pollIntervalSeconds: 10, lastSuccessAt: NOON, error: null }],
    ...more,
  };
}

/** A document of these accounts, with the totals that the API would give it. */
export function document(
  accounts: readonly Account[],
  more: Partial<Omit<PortfolioDocument, "totals">> & { readonly totals?: Partial<PortfolioDocument["totals"]> } = {},
): PortfolioDocument {
  const exact = accounts.length === 0 ? null : sumOf(accounts.map(({ totals }) => totals.totalUsdExact));
  return {
    schemaVersion: 1,
    portfolio: "main",
    version: "1-1",
    updatedAt: NOON,
    demo: false,
    accounts: [...accounts],
    sources: accounts.map((one) => source(one.exchange, { account: one.account })),
    bus: { state: "live", since: null, reason: null },
    prices: [],
    rates: [],
    pegs: [],
    ...more,
    totals: {
      totalUsd: exact === null ? null : Number(exact),
      totalUsdExact: exact,
      partial: false,
      reasons: [],
      unpriced: [],
      byExchange: byExchange(accounts),
      byWallet: [],
      byAsset: [],
      change24h: null,
      ...more.totals,
    },
  };
}

function byExchange(accounts: readonly Account[]): PortfolioDocument["totals"]["byExchange"] {
  return [...new Set(accounts.map(({ exchange }) => exchange))].sort().map((name) => {
    const exact = sumOfValues(accounts.filter(({ exchange }) => exchange === name).flatMap(({ balances }) => balances));
    return { name, totalUsd: Number(exact), totalUsdExact: exact };
  });
}

/** The exact value of what is counted and has a price. */
export function sumOfValues(balances: readonly Balance[]): string {
  return sumOf(balances.flatMap(({ counted, valueUsd }) => (counted && valueUsd !== null ? [valueUsd] : [])));
}
