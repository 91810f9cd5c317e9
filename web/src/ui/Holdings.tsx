/** A tab's content: its rows with search, hiding of the small, and what to say where there are none. */

import { memo, useDeferredValue, useRef, useState } from "react";
import { Button, Input, SearchField, Switch } from "react-aria-components";
import { useTranslations } from "use-intl";
import type { Decimal } from "../lib/decimal";
import { formatMoney } from "../lib/format";
import type { Place } from "../model/explaining";
import type { Holding, Mark } from "../model/holdings";
import type { Reading } from "../model/reading";
import { SMALL_USD, type SortColumn, viewOf } from "../model/view";
import { AssetTable } from "./AssetTable";
import { Icon } from "./icons";
import { useMoney } from "./money";
import { choose, usePreferences } from "./preferences";
import { useShortcut } from "./useShortcut";

const COLUMNS: readonly SortColumn[] = ["value", "asset", "total", "price", "change"];

/** Asks how an asset's value is made: in the tab, or in one place of it, which is a wallet of an account. */
export type ExplainAsset = (asset: string, place: Place | null) => void;

interface HoldingsProps {
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly whole: Decimal;
  readonly reading: Reading;
  /** The exchange of each account of the tab. */
  readonly exchanges: readonly string[];
  /** What can be done with the very rows that are shown. */
  readonly actions: (rows: readonly Holding[]) => React.ReactNode;
  readonly onExplain: ExplainAsset;
}

/** The tools above the table, and the table. */
export function Holdings({ holdings, whole, reading, exchanges, actions, onExplain }: HoldingsProps) {
  const t = useTranslations("table");
  const { hideSmall, sort } = usePreferences();
  const [typed, setTyped] = useState("");
  const query = useDeferredValue(typed);
  const { rows, hiddenSmall } = viewOf(holdings.values(), { query, hideSmall, sort });
  return (
    <>
      <div className="tools">
        <Tools typed={typed} onTyped={setTyped} />
        <span className="spacer" />
        {actions(rows)}
      </div>
      {rows.length > 0 ? (
        <AssetTable rows={rows} whole={whole} sort={sort} label={t("label")} onExplain={onExplain} />
      ) : null}
      {/* There from the start: a region that comes with its words is not read out. */}
      <div role="status">
        {rows.length > 0 ? null : (
          <Nothing
            isEmpty={holdings.size === 0}
            reading={reading}
            isSeveral={exchanges.length > 1}
            query={query}
            hiddenSmall={hiddenSmall}
          />
        )}
      </div>
      {rows.length > 0 ? (
        <p className="table-foot">
          <span data-testid="shown">
            {query === "" ? t("shown", { count: rows.length }) : t("found", { count: rows.length })}
          </span>
          {/* Beside what a search has found they would be taken for marks of that. */}
          {query === "" ? <MarkCounts holdings={holdings} /> : null}
          {hiddenSmall > 0 ? (
            <span data-testid="hidden-small"> · {t("hiddenSmall", { count: hiddenSmall })}</span>
          ) : null}
        </p>
      ) : null}
      {holdings.size === 0 ? null : <Note exchanges={exchanges} />}
    </>
  );
}

interface ToolsProps {
  readonly typed: string;
  readonly onTyped: (text: string) => void;
}

/** What is asked of the rows. Drawn again only when that changes, not with every price. */
const Tools = memo(function Tools({ typed, onTyped }: ToolsProps) {
  const t = useTranslations("table");
  const { language } = useMoney();
  const { hideSmall } = usePreferences();
  const search = useRef<HTMLInputElement>(null);
  useShortcut("/", () => search.current?.focus());
  return (
    <>
      <SearchField className="search" aria-label={t("search")} value={typed} onChange={onTyped}>
        <Icon name="search" />
        <Input ref={search} placeholder={t("search")} data-testid="search" />
        <Button className="icon-button clear" aria-label={t("clearSearch")}>
          <Icon name="close" />
        </Button>
      </SearchField>
      <Switch
        className="switch"
        isSelected={hideSmall}
        onChange={(isOn) => choose({ hideSmall: isOn })}
        data-testid="hide-small"
      >
        <span className="switch-track" aria-hidden="true" />
        {t("hideSmall", { amount: formatMoney(language, SMALL_USD, "USD") })}
      </Switch>
      <SortChoice />
    </>
  );
});

const COUNTED = ["suspicious", "stale", "priceStale", "unpriced"] as const satisfies readonly Mark[];

/** How many holdings bear each mark, also those that are not in sight. */
function MarkCounts({ holdings }: { readonly holdings: ReadonlyMap<string, Holding> }) {
  const t = useTranslations("table");
  const counts = COUNTED.map((mark) => ({
    mark,
    count: [...holdings.values()].filter(({ marks }) => marks.includes(mark)).length,
  }));
  return counts
    .filter(({ count }) => count > 0)
    .map(({ mark, count }) => (
      <span key={mark} data-testid={`count-${mark}`}>
        {" · "}
        {t(`count_${mark}`, { count })}
      </span>
    ));
}

const NOTES = { binance: "note_binance", btcturk: "note_btcturk" } as const;

/** What the sum has of each exchange, and what not yet. */
function Note({ exchanges }: { readonly exchanges: readonly string[] }) {
  const t = useTranslations("table");
  const known = (Object.keys(NOTES) as (keyof typeof NOTES)[]).filter((name) => exchanges.includes(name));
  return <p className="note">{[...known.map((name) => t(NOTES[name])), t("noteLocked")].join(" ")}</p>;
}

/** Where rows are cards there are no column heads to sort by. */
function SortChoice() {
  const t = useTranslations("table");
  const { sort } = usePreferences();
  const change = (text: string) => {
    const [column, order] = text.split(" ");
    choose({ sort: { column: column as SortColumn, descending: order === "descending" } });
  };
  return (
    <label className="sort-choice">
      <span className="visually-hidden">{t("sortBy")}</span>
      <select
        className="select"
        value={`${sort.column} ${sort.descending ? "descending" : "ascending"}`}
        onChange={(event) => change(event.target.value)}
      >
        {[...new Set([sort.column, ...COLUMNS])].flatMap((column) =>
          (["descending", "ascending"] as const).map((order) => (
            <option key={`${column} ${order}`} value={`${column} ${order}`}>
              {t(column)} {order === "descending" ? "↓" : "↑"}
            </option>
          )),
        )}
      </select>
    </label>
  );
}

const EMPTY = { unconfigured: "notSetUp", unread: "notRead", partly: "emptyPartly" } as const;

interface NothingProps {
  readonly isEmpty: boolean;
  readonly reading: Reading;
  readonly isSeveral: boolean;
  readonly query: string;
  readonly hiddenSmall: number;
}

function Nothing({ isEmpty, reading, isSeveral, query, hiddenSmall }: NothingProps) {
  const t = useTranslations("table");
  if (isEmpty) {
    return (
      <p className="nothing-here" data-testid={reading === "read" ? "empty" : `empty-${reading}`}>
        {t(reading === "read" ? (isSeveral ? "emptyAll" : "empty") : EMPTY[reading])}
      </p>
    );
  }
  if (hiddenSmall === 0) {
    return (
      <p className="nothing-here" data-testid="nothing-found">
        {t("nothingFound", { query })}
      </p>
    );
  }
  return (
    <p className="nothing-here" data-testid="only-small">
      {query === "" ? t("onlySmall") : t("onlySmallFound", { query })}{" "}
      <Button className="link" onPress={() => choose({ hideSmall: false })}>
        {t("showSmall")}
      </Button>
    </p>
  );
}
