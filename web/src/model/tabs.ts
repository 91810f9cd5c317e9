/** The tabs: everything, each exchange, and each account where an exchange has several. */

import type { Account, PortfolioDocument } from "./document";

/** What a tab shows; `account` only where the tab is of one account of several. */
export interface Tab {
  readonly id: string;
  readonly exchange: string | null;
  readonly account: string | null;
}

/** The id of the tab that shows everything. */
export const ALL = "all";

interface Named {
  readonly exchange: string;
  readonly account: string;
}

/** The labels of each exchange's accounts, whether or not they were ever read. */
function labelsOf(document: PortfolioDocument | null): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  const named: Named[] = document === null ? [] : [...document.accounts, ...document.sources];
  for (const { exchange, account } of named) {
    const known = labels.get(exchange) ?? new Set<string>();
    labels.set(exchange, known.add(account));
  }
  return labels;
}

/** The exchanges with several accounts, in order: of those a name alone does not say which account is meant. */
export function severalIn(document: PortfolioDocument | null): string[] {
  return [...labelsOf(document)].flatMap(([exchange, labels]) => (labels.size > 1 ? [exchange] : [])).sort();
}

/** The tabs of a document, in a steady order: by name, not by value, so that none moves under the pointer. */
export function tabsOf(document: PortfolioDocument | null): Tab[] {
  const accounts = labelsOf(document);
  const tabs: Tab[] = [{ id: ALL, exchange: null, account: null }];
  for (const exchange of [...accounts.keys()].sort()) {
    tabs.push({ id: exchange, exchange, account: null });
    const labels = [...(accounts.get(exchange) ?? [])].sort();
    if (labels.length > 1) {
      for (const account of labels) {
        tabs.push({ id: `${exchange}/${account}`, exchange, account });
      }
    }
  }
  return tabs;
}

/** Whether an account or a source belongs to a tab. */
export function isIn(tab: Tab, { exchange, account }: Named): boolean {
  return (tab.exchange === null || tab.exchange === exchange) && (tab.account === null || tab.account === account);
}

/** The accounts of a tab. */
export function accountsIn(document: PortfolioDocument, tab: Tab): Account[] {
  return document.accounts.filter((account) => isIn(tab, account));
}

/** The tab that is chosen; everything, once the chosen one is gone. */
export function chosenIn(tabs: readonly Tab[], chosen: string): Tab {
  return tabs.find(({ id }) => id === chosen) ?? { id: ALL, exchange: null, account: null };
}
