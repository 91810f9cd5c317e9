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
  /** A value with every digit: in dollars, as conversions are by a rounded rate and never exact. */
  exactValue(exactUsd: string | null): string;
  /** A price of one unit. It is public, so it is never masked. */
  price(exactUsd: string | null): string;
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
    exactValue: (exactUsd) => maskOr(hidden, exactUsd === null ? "" : `${formatExact(language, exactUsd)} USD`),
    price,
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
