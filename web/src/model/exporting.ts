/** What a CSV file has in its rows: the table as shown, or every balance of every account. */

import type { Cell } from "../lib/csv";
import type { Decimal } from "../lib/decimal";
import type { Language } from "../lib/language";
import { assetName } from "../lib/names";
import { TIME_ZONE } from "../lib/time";
import type { PortfolioDocument } from "./document";
import { type Holding, shareOf } from "./holdings";

/** The columns of the table as shown. */
export const SHOWN_COLUMNS = [
  "asset",
  "name",
  "free",
  "locked",
  "total",
  "price",
  "path",
  "value",
  "change",
  "share",
  "status",
] as const;
/** The columns of all balances. */
export const ALL_COLUMNS = [
  "exchange",
  "account",
  "wallet",
  "asset",
  "name",
  "free",
  "locked",
  "total",
  "price",
  "path",
  "value",
  "counted",
  "status",
  "asOf",
] as const;

/** The name of a column. */
export type Column = (typeof SHOWN_COLUMNS)[number] | (typeof ALL_COLUMNS)[number];

const PERCENT_DECIMALS = 4;

/** What is unknown is an empty cell, never a 0. */
function number(exact: string | null): Cell {
  return exact === null ? "" : { number: exact };
}

function percent(value: number | null): Cell {
  return value === null ? "" : { number: value.toFixed(PERCENT_DECIMALS) };
}

/** The rows of the table, in its order. Amounts are exact; values are US dollars. */
export function shownRows(
  rows: readonly Holding[],
  whole: Decimal,
  language: Language,
  word: (mark: Holding["marks"][number]) => string,
): Cell[][] {
  return rows.map((holding) => {
    const share = shareOf(holding, whole);
    return [
      holding.asset,
      assetName(holding.asset, language) ?? "",
      number(holding.free),
      number(holding.locked),
      number(holding.total),
      number(holding.price),
      holding.path?.join(" > ") ?? "",
      number(holding.value),
      percent(holding.change),
      percent(share === null ? null : share * 100),
      holding.marks.map(word).join(", "),
    ];
  });
}

/** Every row of every wallet, also those that count elsewhere. */
export function allRows(
  document: PortfolioDocument,
  language: Language,
  words: { status: (status: string) => string; yes: string; no: string },
): Cell[][] {
  return document.accounts.flatMap(({ exchange, account, balances, wallets }) =>
    balances.map((balance): Cell[] => {
      const wallet = wallets.find((one) => one.wallet === balance.wallet);
      return [
        exchange,
        account,
        balance.wallet,
        balance.asset,
        assetName(balance.asset, language) ?? "",
        number(balance.free),
        number(balance.locked),
        number(balance.total),
        number(balance.priceUsd),
        balance.pricePath?.join(" > ") ?? "",
        // What counts elsewhere has its value there: a column that is summed must not have it twice.
        number(balance.counted ? balance.valueUsd : null),
        balance.counted ? words.yes : words.no,
        wallet === undefined ? "" : words.status(wallet.status),
        wallet?.asOf ?? "",
      ];
    }),
  );
}

/** Days as people here count them, written so that names sort by them. */
const DAY = new Intl.DateTimeFormat("en-CA", {
  timeZone: TIME_ZONE,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});

/** Such as `portfolio-main-binance-savings-2026-11-23.csv`: of ids alone, so it is the same in every language. */
export function fileNameOf({ portfolio, updatedAt }: PortfolioDocument, tabId: string): string {
  const day = updatedAt === null ? [] : [DAY.format(new Date(updatedAt))];
  const parts = ["portfolio", portfolio, tabId, ...day].map((part) => part.replace(/[^a-z0-9_-]+/gi, "-"));
  return `${parts.join("-")}.csv`;
}
