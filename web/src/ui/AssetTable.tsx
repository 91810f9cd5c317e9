/** The asset table: sorted, filtered, and of thousands of rows only those near the window. A native table throughout. */

import { defaultRangeExtractor, useWindowVirtualizer } from "@tanstack/react-virtual";
import {
  type FocusEvent,
  type RefObject,
  useCallback,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { useTranslations } from "use-intl";
import type { Decimal } from "../lib/decimal";
import { formatShare } from "../lib/format";
import type { Holding } from "../model/holdings";
import { shareOf } from "../model/holdings";
import type { Sort, SortColumn } from "../model/view";
import { AssetRow } from "./AssetRow";
import type { ExplainAsset } from "./Holdings";
import { Icon } from "./icons";
import { useMoney } from "./money";
import { choose } from "./preferences";

/** Up to so many rows are simply all there: printing, searching in the page and screen readers have everything. */
export const ALL_ROWS_MAX = 200;

/** Where rows are cards: the same width as in cards.css. */
const CARDS = "(max-width: 719px)";

/** A first guess of the height of a row, and of a card; each is measured when it is there. */
const ROW_HEIGHT = 57;
const CARD_HEIGHT = 83;
const OVERSCAN = 12;

/** The columns in their order; all but the first are numbers, and aligned to the right. */
const COLUMNS: readonly SortColumn[] = ["asset", "free", "locked", "total", "price", "change", "value", "share"];

interface AssetTableProps {
  readonly rows: readonly Holding[];
  readonly whole: Decimal;
  readonly sort: Sort;
  readonly label: string;
  readonly onExplain: ExplainAsset;
}

/** The table. Which rows are opened is remembered by asset, so updates and sorting keep them open. */
export function AssetTable({ rows, whole, sort, label, onExplain }: AssetTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((asset: string) => {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(asset)) {
        after.add(asset);
      }
      return after;
    });
  }, []);
  const [held, setHeld] = useState<string | null>(null);
  const hold = (event: FocusEvent) => setHeld(event.target.closest<HTMLElement>("[data-asset]")?.dataset.asset ?? null);
  const isLong = rows.length > ALL_ROWS_MAX;
  const Rows = isLong ? VirtualRows : PlainRows;
  return (
    <table
      className="assets"
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      data-testid="asset-table"
      onFocus={hold}
    >
      <Head sort={sort} />
      <Rows rows={rows} whole={whole} open={open} held={held} onToggle={toggle} onExplain={onExplain} />
    </table>
  );
}

function Head({ sort }: { readonly sort: Sort }) {
  const t = useTranslations("table");
  const { currency } = useMoney();
  return (
    <thead role="rowgroup">
      <tr role="row" aria-rowindex={1}>
        {COLUMNS.map((column) => {
          const isSorted = column === sort.column;
          const order = isSorted ? (sort.descending ? "descending" : "ascending") : "none";
          // Of dollars, whatever the values are shown in: their rates have a day of their own.
          const label = t(column === "change" && currency !== "USD" ? "changeUsd" : column);
          return (
            <th
              key={column}
              scope="col"
              role="columnheader"
              className={`column-${column}${column === "asset" ? "" : " number"}`}
              aria-sort={order}
            >
              <button type="button" className="sort" onClick={() => choose({ sort: next(sort, column) })}>
                {label}
                {isSorted ? <Icon name={sort.descending ? "down" : "up"} /> : null}
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** What a click on a column's head asks for: its natural order first, then the other. */
function next(sort: Sort, column: SortColumn): Sort {
  return { column, descending: sort.column === column ? !sort.descending : column !== "asset" };
}

interface RowsProps {
  readonly rows: readonly Holding[];
  readonly whole: Decimal;
  readonly open: ReadonlySet<string>;
  /** The asset whose row has the focus. */
  readonly held: string | null;
  readonly onToggle: (asset: string) => void;
  readonly onExplain: ExplainAsset;
}

function PlainRows({ rows, whole, open, onToggle, onExplain }: Omit<RowsProps, "held">) {
  const { language } = useMoney();
  return rows.map((holding, index) => (
    <AssetRow
      key={holding.asset}
      holding={holding}
      share={formatShare(language, shareOf(holding, whole))}
      isOpen={open.has(holding.asset)}
      index={index}
      onToggle={onToggle}
      onExplain={onExplain}
    />
  ));
}

function VirtualRows({ rows, whole, open, held, onToggle, onExplain }: RowsProps) {
  const { language } = useMoney();
  const top = useRef<HTMLTableSectionElement>(null);
  const margin = useTopOf(top);
  const heldAt = held === null ? -1 : rows.findIndex(({ asset }) => asset === held);
  const areCards = useMedia(CARDS);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => (areCards ? CARD_HEIGHT : ROW_HEIGHT),
    getItemKey: (index) => rows[index]?.asset ?? index,
    overscan: OVERSCAN,
    scrollMargin: margin,
    // The row that has the focus stays, wherever it was scrolled or sorted to: else the focus would be lost with it.
    rangeExtractor: (range) => withHeld(defaultRangeExtractor(range), heldAt),
  });
  let end = margin;
  const shown = virtualizer.getVirtualItems().flatMap(({ index, start, end: next }) => {
    const holding = rows[index];
    const gap = start - end;
    end = next;
    if (holding === undefined) {
      return [];
    }
    const row = (
      <AssetRow
        key={holding.asset}
        measure={virtualizer.measureElement}
        holding={holding}
        share={formatShare(language, shareOf(holding, whole))}
        isOpen={open.has(holding.asset)}
        index={index}
        onToggle={onToggle}
        onExplain={onExplain}
      />
    );
    return gap > 0 ? [<Space key={`before ${holding.asset}`} height={gap} />, row] : [row];
  });
  return (
    <>
      <Space ref={top} height={0} />
      {shown}
      <Space height={virtualizer.getTotalSize() + margin - end} />
    </>
  );
}

/** Whether a media query holds now. */
function useMedia(query: string): boolean {
  const [list] = useState(() => matchMedia(query));
  const subscribe = useCallback(
    (changed: () => void) => {
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    [list],
  );
  return useSyncExternalStore(subscribe, () => list.matches);
}

/** How far from the top of the document an element stands; what is above it may grow or shrink. */
function useTopOf(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const place = () => setTop((element.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    place();
    const watch = new ResizeObserver(place);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, [element]);
  return top;
}

/** The rows near the window, and the one that is held. */
function withHeld(near: readonly number[], held: number): number[] {
  return held < 0 || near.includes(held) ? [...near] : [...near, held].sort((a, b) => a - b);
}

interface SpaceProps {
  readonly height: number;
  readonly ref?: React.Ref<HTMLTableSectionElement>;
}

/** The room of rows that are not there. */
function Space({ height, ref }: SpaceProps) {
  return (
    <tbody ref={ref} aria-hidden="true">
      <tr>
        <td className="space" colSpan={COLUMNS.length} style={{ height }} />
      </tr>
    </tbody>
  );
}
