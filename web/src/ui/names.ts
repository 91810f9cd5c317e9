/** What accounts and wallets are called on the page. */

import { createContext, useContext } from "react";
import { useTranslations } from "use-intl";
import { exchangeTitle } from "../exchanges";

const WALLETS = ["spot", "funding", "earn-flexible", "earn-locked"] as const;
type KnownWallet = (typeof WALLETS)[number];

/** The label of an account that was given none. */
export const MAIN = "main";

/** The exchanges of the document that have several accounts. */
export const SeveralContext = createContext<readonly string[]>([]);

function isKnown(name: string): name is KnownWallet {
  return (WALLETS as readonly string[]).includes(name);
}

/**
 * The words for places: wallets by their name in the language, accounts with their label where there is one. The label
 * that nobody gave is left off only where the exchange's name says it all.
 */
export function useNames() {
  const t = useTranslations("wallet");
  const wallet = (name: string): string => (isKnown(name) ? t(name) : name);
  const several = useContext(SeveralContext);
  const account = (exchange: string, label: string): string =>
    label === MAIN && !several.includes(exchange) ? exchangeTitle(exchange) : `${exchangeTitle(exchange)} · ${label}`;
  const place = (exchange: string | null, label: string | null, name: string | null): string => {
    const whole = exchange === null ? null : label === null ? exchangeTitle(exchange) : account(exchange, label);
    return [whole, name === null ? null : wallet(name)].filter((part) => part !== null).join(" · ");
  };
  /** Some wallets of an account; none are all of it. */
  const places = (exchange: string, label: string, names: readonly string[]): string => {
    const [first, ...others] = names;
    return [place(exchange, label, first ?? null), ...others.map(wallet)].join(", ");
  };
  return { wallet, account, place, places };
}
