/** How values are written: in the chosen currency and language, or masked. */

import { createContext, useContext } from "react";
import {
  type Currency,
  formatAmount,
  formatExact,
  formatMoney,
  formatPrice,
  formatRowAmount,
  type Language,
  maskOr,
} from "../lib/format";
import { convert } from "../model/holdings";

/** Writes what people may want hidden. Everything that shows an amount goes through here. */
export interface Money {
  readonly language: Language;
  readonly currency: Currency;
  readonly hidden: boolean;
  /** Units of the currency per US dollar; null: not known, and then no value is shown in it. */
  readonly perUsd: string | null;
  /** A value, rounded as people read it. */
  value(exactUsd: string | null): string;
  /** A value with every digit. */
  exactValue(exactUsd: string | null): string;
  /** The value of so much of an asset: a lira is a lira, whatever way round its rate was found. */
  worth(asset: string, amount: string, exactUsd: string | null): string;
  /** A price of one unit. It is public, so it is never masked. */
  price(exactUsd: string | null): string;
  /** The price of an asset; of the currency itself it is one. */
  priceOf(asset: string, exactUsd: string | null): string;
  /** An amount of an asset. */
  amount(exact: string): string;
  /** An amount of an asset, as narrow as a row has room for. */
  rowAmount(exact: string): string;
  /** An amount with every digit. */
  exactAmount(exact: string): string;
}

/** Make the writer of values. */
export function moneyOf(language: Language, currency: Currency, hidden: boolean, perUsd: string | null): Money {
  const value = (exactUsd: string | null) => maskOr(hidden, formatMoney(language, convert(exactUsd, perUsd), currency));
  const price = (exactUsd: string | null) => formatPrice(language, convert(exactUsd, perUsd), currency);
  return {
    language,
    currency,
    hidden,
    perUsd,
    value,
    worth: (asset, amount, exactUsd) =>
      asset === currency && exactUsd !== null
        ? maskOr(hidden, formatMoney(language, amount, currency))
        : value(exactUsd),
    exactValue: (exactUsd) => {
      const exact = convert(exactUsd, perUsd);
      return maskOr(hidden, exact === null ? "" : `${formatExact(language, exact)} ${currency}`);
    },
    price,
    priceOf: (asset, exactUsd) =>
      asset === currency && exactUsd !== null ? formatPrice(language, "1", currency) : price(exactUsd),
    amount: (exact) => maskOr(hidden, formatAmount(language, exact)),
    rowAmount: (exact) => maskOr(hidden, formatRowAmount(language, exact)),
    exactAmount: (exact) => maskOr(hidden, formatExact(language, exact)),
  };
}

/** The writer of values that is in force. */
export const MoneyContext = createContext<Money>(moneyOf("en", "USD", false, "1"));

/** The writer of values that is in force. */
export function useMoney(): Money {
  return useContext(MoneyContext);
}
