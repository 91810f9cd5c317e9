/** The portfolio itself: the total, the tabs with their tables, the allocation and the sources. */

import { useCallback, useMemo, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { Client } from "../api/client";
import { exchangeTitle } from "../exchanges";
import type { ConnectionState } from "../live/state";
import type { PortfolioDocument } from "../model/document";
import { groupsOf } from "../model/groups";
import { type Holding, holdingsOf, sumOfValues } from "../model/holdings";
import { toneOf } from "../model/sources";
import { ALL, accountsIn, isIn, type Tab, tabsOf } from "../model/tabs";
import { totalOf } from "../model/totals";
import { viewOf } from "../model/view";
import { Allocation } from "./Allocation";
import { useKnownAt } from "./Connection";
import { Explain } from "./Explain";
import { ExplainTotal } from "./ExplainTotal";
import { Export } from "./Export";
import { Holdings } from "./Holdings";
import { useMoney } from "./money";
import { useNames } from "./names";
import { usePreferences } from "./preferences";
import { RefreshButton, useRefresh } from "./RefreshParts";
import { EVERYTHING } from "./refresh";
import { Sources } from "./Sources";
import { PanelContext, TabFrame, useSameTitles } from "./TabFrame";
import { Total } from "./Total";
import { Troubles } from "./Troubles";
import { useShortcut } from "./useShortcut";

interface PortfolioProps {
  readonly state: ConnectionState;
  readonly document: PortfolioDocument;
  readonly client: Client;
  readonly token: string | null;
}

/** All of it. */
export function Portfolio({ state, document, client, token }: PortfolioProps) {
  const t = useTranslations("tabs");
  const { account: accountName } = useNames();
  const [chosen, setChosen] = useState(ALL);
  const [asked, setAsked] = useState<{ asset: string; exchange: string | null } | null>(null);
  const explain = useCallback((asset: string, exchange: string | null) => setAsked({ asset, exchange }), []);
  const [isTotalOpen, setTotalOpen] = useState(false);
  const [refreshing] = useRefresh();
  useShortcut("r", () => void refreshing.begin(EVERYTHING));
  const tabs = useMemo(() => tabsOf(document), [document]);
  const tab = tabs.find(({ id }) => id === chosen) ?? (tabs[0] as Tab);
  const { holdings, whole } = useTabHoldings(document, tab);
  const labelOf = ({ exchange, account }: Tab): string => {
    if (exchange === null) {
      return t("all");
    }
    return account === null
      ? exchangeTitle(exchange)
      : account === "main"
        ? t("account", { exchange: exchangeTitle(exchange), account })
        : accountName(exchange, account);
  };
  const titles = useSameTitles(
    tabs.map((one) => ({ id: one.id, label: labelOf(one), isTroubled: isTroubled(document, one) })),
  );
  const knownAt = useKnownAt(state);
  return (
    <div className="portfolio">
      {knownAt === null ? (
        <Troubles bus={document.bus} sources={document.sources.filter((source) => isIn(tab, source))} />
      ) : null}
      <TotalBox
        document={document}
        tab={tab}
        label={labelOf(tab)}
        isOld={knownAt !== null}
        onExplain={() => setTotalOpen(true)}
      />
      <div className="columns">
        <PanelContext
          value={
            <Holdings
              holdings={holdings}
              whole={whole}
              isAll={tab.id === ALL}
              onExplain={explain}
              actions={<Actions document={document} tab={tab} label={labelOf(tab)} holdings={holdings} />}
            />
          }
        >
          <TabFrame titles={titles} chosen={tab.id} onChoose={setChosen} />
        </PanelContext>
        <aside className="side">
          <AllocationCard document={document} tab={tab} />
          <Sources
            document={document}
            sources={document.sources.filter((source) => isIn(tab, source))}
            knownAt={knownAt}
          />
        </aside>
      </div>
      <Explain
        client={client}
        token={token}
        portfolio={document.portfolio}
        asset={asked?.asset ?? null}
        exchange={asked?.exchange ?? tab.exchange}
        onClose={() => setAsked(null)}
      />
      <ExplainTotal document={document} isOpen={isTotalOpen} onClose={() => setTotalOpen(false)} />
    </div>
  );
}

/** The rows of a tab; what did not change since the last document stays the same object, so its row is not drawn anew. */
function useTabHoldings(document: PortfolioDocument, tab: Tab) {
  const last = useRef<{ id: string; holdings: ReadonlyMap<string, Holding> }>({ id: "", holdings: new Map() });
  return useMemo(() => {
    const before = last.current.id === tab.id ? last.current.holdings : new Map<string, Holding>();
    const holdings = holdingsOf(accountsIn(document, tab), before);
    last.current = { id: tab.id, holdings };
    return { holdings, whole: sumOfValues(holdings.values()) };
  }, [document, tab]);
}

function isTroubled(document: PortfolioDocument, tab: Tab): boolean {
  return (
    document.sources.some((source) => isIn(tab, source) && toneOf(source) === "bad") ||
    document.accounts.some((account) => isIn(tab, account) && account.status !== "fresh")
  );
}

interface TotalBoxProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
  readonly label: string;
  readonly isOld: boolean;
  readonly onExplain: () => void;
}

function TotalBox({ document, tab, label, isOld, onExplain }: TotalBoxProps) {
  const t = useTranslations("total");
  const total = useMemo(() => totalOf(document, tab), [document, tab]);
  return (
    <Total
      document={document}
      total={total}
      label={tab.id === ALL ? t("label") : t("of", { name: label })}
      isOld={isOld}
      onExplain={onExplain}
    />
  );
}

interface ActionsProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
  readonly label: string;
  readonly holdings: ReadonlyMap<string, Holding>;
}

function Actions({ document, tab, label, holdings }: ActionsProps) {
  const { hideSmall, sort } = usePreferences();
  const { rows } = viewOf(holdings.values(), { query: "", hideSmall, sort });
  const target = { exchange: tab.exchange, account: tab.account };
  return (
    <>
      <Export document={document} rows={rows} whole={sumOfValues(holdings.values())} label={label} />
      <RefreshButton target={target} document={document} />
    </>
  );
}

function AllocationCard({ document, tab }: { readonly document: PortfolioDocument; readonly tab: Tab }) {
  const t = useTranslations("total");
  const { wallet } = useNames();
  const money = useMoney();
  // The words of wallets change with the language alone.
  // biome-ignore lint/correctness/useExhaustiveDependencies: as said
  const groups = useMemo(
    () => groupsOf(accountsIn(document, tab), { exchange: exchangeTitle, wallet }),
    [document, tab, money.language],
  );
  return (
    <div className="card" data-testid="allocation">
      <Allocation
        groups={groups}
        language={money.language}
        money={money.value}
        hidden={money.hidden}
        totalLabel={t("label")}
      />
    </div>
  );
}
