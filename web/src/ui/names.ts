/** What accounts and wallets are called on the page. */

import { useTranslations } from "use-intl";
import { exchangeTitle } from "../exchanges";

const WALLETS = ["spot", "funding", "earn-flexible", "earn-locked"] as const;
type KnownWallet = (typeof WALLETS)[number];

/** The label of an account that was given none. */
export const MAIN = "main";

function isKnown(name: string): name is KnownWallet {
  return (WALLETS as readonly string[]).includes(name);
}

/** The words for places: wallets by their name in the language, accounts with their label where there is one. */
export function useNames() {
  const t = useTranslations("wallet");
  const wallet = (name: string): string => (isKnown(name) ? t(name) : name);
  const account = (exchange: string, label: string): string =>
    label === MAIN ? exchangeTitle(exchange) : `${exchangeTitle(exchange)} · ${label}`;
  const place = (exchange: string | null, label: string | null, name: string | null): string => {
    const parts = [exchange === null ? null : account(exchange, label ?? MAIN), name === null ? null : wallet(name)];
    return parts.filter((part) => part !== null).join(" · ");
  };
  return { wallet, account, place };
}
