/** The portfolio itself: the total, the tabs with their tables, the allocation and the sources. */

import { useCallback, useMemo, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { Client } from "../api/client";
import { exchangeTitle } from "../exchanges";
import type { Decimal } from "../lib/decimal";
import type { ConnectionState } from "../live/state";
import type { PortfolioDocument } from "../model/document";
import type { Place } from "../model/explaining";
import { groupsOf } from "../model/groups";
import { type Holding, holdingsOf, sumOfValues } from "../model/holdings";
import { readingOf } from "../model/reading";
import { accountOf, toneOf } from "../model/sources";
import { ALL, accountsIn, chosenIn, isIn, type Tab, tabsOf } from "../model/tabs";
import { totalOf } from "../model/totals";
import { Allocation } from "./Allocation";
import { useIsOld, useKnownAt } from "./Connection";
import { Explain } from "./Explain";
import { ExplainTotal } from "./ExplainTotal";
import { Export } from "./Export";
import { type ExplainAsset, Holdings } from "./Holdings";
import { useMoney } from "./money";
import { useNames } from "./names";
import { RefreshButton } from "./RefreshParts";
import { Sources } from "./Sources";
import { PanelContext, TabFrame, useSameTitles } from "./TabFrame";
import { Total } from "./Total";
import { Troubles } from "./Troubles";

interface PortfolioProps {
  readonly state: ConnectionState;
  readonly document: PortfolioDocument;
  readonly client: Client;
  readonly token: string | null;
}

interface Asked {
  readonly asset: string;
  readonly place: Place | null;
}

/** All of it. */
export function Portfolio({ state, document, client, token }: PortfolioProps) {
  const t = useTranslations("tabs");
  const totals = useTranslations("total");
  const { account: accountName } = useNames();
  const [chosen, setChosen] = useState(ALL);
  const [asked, setAsked] = useState<Asked | null>(null);
  const explain = useCallback<ExplainAsset>((asset, place) => setAsked({ asset, place }), []);
  const [isTotalOpen, setTotalOpen] = useState(false);
  const tabs = useMemo(() => tabsOf(document), [document]);
  const tab = chosenIn(tabs, chosen);
  if (tab.id !== chosen) {
    // Its accounts are gone. When they come back nobody is thrown onto that tab again.
    setChosen(tab.id);
  }
  const { holdings, whole } = useTabHoldings(document, tab);
  const labelOf = ({ exchange, account }: Tab): string => {
    if (exchange === null) {
      return t("all");
    }
    return account === null ? exchangeTitle(exchange) : accountName(exchange, account);
  };
  const titles = useSameTitles(
    tabs.map((one) => ({ id: one.id, label: labelOf(one), isTroubled: isTroubled(document, one) })),
  );
  // Of a tab it is that tab's sum, wherever it stands.
  const totalLabel = tab.id === ALL ? totals("label") : totals("of", { name: labelOf(tab) });
  const knownAt = useKnownAt(state);
  const isOld = useIsOld(state);
  return (
    <div className="portfolio">
      {knownAt === null ? <Troubles document={document} tab={tab} /> : null}
      <TotalBox document={document} tab={tab} label={totalLabel} isOld={isOld} onExplain={() => setTotalOpen(true)} />
      <div className="columns">
        <PanelContext
          value={
            <Holdings
              holdings={holdings}
              whole={whole}
              reading={readingOf(document, tab)}
              exchanges={accountsIn(document, tab).map(({ exchange }) => exchange)}
              onExplain={explain}
              actions={(rows) => <Actions document={document} tab={tab} rows={rows} whole={whole} />}
            />
          }
        >
          <TabFrame titles={titles} chosen={tab.id} onChoose={setChosen} />
        </PanelContext>
        <aside className="side">
          <AllocationCard document={document} tab={tab} totalLabel={totalLabel} />
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
        place={asked?.place ?? { exchange: tab.exchange, account: tab.account, wallet: null }}
        onClose={() => setAsked(null)}
      />
      <ExplainTotal
        document={document}
        tab={tab}
        label={tab.id === ALL ? null : labelOf(tab)}
        isOpen={isTotalOpen}
        onClose={() => setTotalOpen(false)}
      />
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
    document.sources.some((source) => isIn(tab, source) && toneOf(source, accountOf(document, source)) === "bad") ||
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
  const total = useMemo(() => totalOf(document, tab), [document, tab]);
  return <Total document={document} tab={tab} total={total} label={label} isOld={isOld} onExplain={onExplain} />;
}

interface ActionsProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
  readonly rows: readonly Holding[];
  readonly whole: Decimal;
}

function Actions({ document, tab, rows, whole }: ActionsProps) {
  const target = { exchange: tab.exchange, account: tab.account };
  return (
    <>
      <Export document={document} rows={rows} whole={whole} tabId={tab.id} />
      <RefreshButton target={target} document={document} />
    </>
  );
}

interface AllocationCardProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
  readonly totalLabel: string;
}

function AllocationCard({ document, tab, totalLabel }: AllocationCardProps) {
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
        totalLabel={totalLabel}
        isUnread={accountsIn(document, tab).length === 0}
      />
    </div>
  );
}
