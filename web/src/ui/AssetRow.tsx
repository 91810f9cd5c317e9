/** One asset: its row, and below it, when opened, where it lies. */

import { memo, useMemo, useState } from "react";
import { useTranslations } from "use-intl";
import { formatPercent } from "../lib/format";
import { assetName } from "../lib/names";
import { visible } from "../lib/visible";
import type { Holding, Mark } from "../model/holdings";
import { Breakdown } from "./Breakdown";
import type { ExplainAsset } from "./Holdings";
import { Icon } from "./icons";
import { useMoney } from "./money";
import { lengthClass, ValueButton } from "./ValueButton";

/** A change below this is written as 0. */
const SMALLEST_PERCENT = 0.005;

const MARK_TONES: Readonly<Record<Mark, "bad" | "warn" | "plain">> = {
  suspicious: "bad",
  stale: "warn",
  priceStale: "warn",
  unpriced: "warn",
  mirror: "plain",
};

interface AssetRowProps {
  readonly holding: Holding;
  /** As it is shown: the exact one moves with every price of every other row. */
  readonly share: string;
  readonly isOpen: boolean;
  readonly index: number;
  readonly onToggle: (asset: string) => void;
  readonly onExplain: ExplainAsset;
  readonly measure?: (element: Element | null) => void;
}

/**
 * A group of rows of its own, so that it can be measured as one. Drawn again only when something of it changed, which
 * may be every second; so its buttons are plain ones, at a tenth of the price of those of the library.
 */
export const AssetRow = memo(function AssetRow({
  holding,
  share,
  isOpen,
  index,
  onToggle,
  onExplain,
  measure,
}: AssetRowProps) {
  const t = useTranslations("table");
  const money = useMoney();
  const { asset } = holding;
  return (
    <tbody
      role="rowgroup"
      ref={measure}
      data-index={index}
      className={rowClass(holding, isOpen, money.hidden)}
      data-asset={asset}
      data-testid={`row-${asset}`}
    >
      <tr role="row" aria-rowindex={index + 2}>
        <th scope="row" role="rowheader" className="column-asset">
          <AssetCell asset={asset} marks={marksBesideName(holding)} isOpen={isOpen} onToggle={onToggle} />
        </th>
        <Amount name="free" exact={holding.free} />
        <Amount name="locked" exact={holding.locked} />
        <Amount name="total" exact={holding.total} />
        <td role="cell" className="number column-price" data-label={t("price")}>
          <Price holding={holding} onExplain={onExplain} />
        </td>
        <td
          role="cell"
          className="number column-change"
          data-label={t(money.currency === "USD" ? "change" : "changeUsd")}
        >
          <Change percent={holding.change} />
        </td>
        <td role="cell" className="number column-value" data-label={t("value")}>
          {holding.value === null ? (
            <Marked mark={holding.marks.includes("mirror") ? "mirror" : "unpriced"} />
          ) : (
            <ValueButton tone="" asset={asset} text={money.value(holding.value)} onExplain={onExplain} />
          )}
          {holding.value === null || holding.unpriced === "0" ? null : (
            <span className="path">{t("unpricedPart", { amount: money.amount(holding.unpriced) })}</span>
          )}
        </td>
        <td role="cell" className="number column-share" data-label={t("share")}>
          {share}
        </td>
      </tr>
      {isOpen ? <Breakdown holding={holding} onExplain={onExplain} /> : null}
    </tbody>
  );
});

function rowClass({ marks, locked, value }: Holding, isOpen: boolean, hidden: boolean): string {
  const classes = {
    open: isOpen,
    mirror: marks.includes("mirror"),
    old: marks.includes("stale"),
    // A mark is all that stands in place of its value, so its name has the room.
    valueless: value === null,
    // All of it is available: a card need not say so. Of hidden amounts it must not tell.
    "all-free": hidden || locked === "0",
  };
  return Object.entries(classes)
    .flatMap(([name, isOn]) => (isOn ? [name] : []))
    .join(" ");
}

interface AssetCellProps extends Pick<AssetRowProps, "isOpen" | "onToggle"> {
  readonly asset: string;
  /** Separated by spaces: a text is the same as long as it says the same. */
  readonly marks: string;
}

const AssetCell = memo(function AssetCell({ asset, marks, isOpen, onToggle }: AssetCellProps) {
  const t = useTranslations("table");
  const { language } = useMoney();
  const name = assetName(asset, language);
  const shown = visible(asset);
  return (
    <span className="asset">
      <button
        type="button"
        className="expander"
        aria-expanded={isOpen}
        aria-label={t(isOpen ? "collapse" : "expand", { asset: shown })}
        onClick={() => onToggle(asset)}
      >
        <Icon name="chevron" />
      </button>
      <span className="asset-words">
        <bdi className="asset-code" title={shown}>
          {shown}
        </bdi>
        {name === null ? null : (
          <span className="asset-name" title={name}>
            {name}
          </span>
        )}
        {marks === "" ? null : marks.split(" ").map((mark) => <Marked key={mark} mark={mark as Mark} />)}
      </span>
    </span>
  );
});

/** The marks beside the name: what stands in the column of values is not said twice. */
function marksBesideName({ value, marks }: Holding): string {
  return (value === null ? marks.filter((mark) => mark !== "unpriced" && mark !== "mirror") : marks).join(" ");
}

/** A mark in a word; pressed, it says what it means. */
function Marked({ mark }: { readonly mark: Mark }) {
  const t = useTranslations("table");
  const [isOpen, setOpen] = useState(false);
  const hint = t(`${mark}Hint`);
  return (
    <>
      <button
        type="button"
        className={`mark ${MARK_TONES[mark]}`}
        title={hint}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {t(mark)}
      </button>
      {isOpen ? <span className="said">{hint}</span> : null}
    </>
  );
}

/** An amount in its column. Prices tick and amounts do not, so it is drawn again only with another amount. */
const Amount = memo(function Amount({
  name,
  exact,
}: {
  readonly name: "free" | "locked" | "total";
  readonly exact: string;
}) {
  const t = useTranslations("table");
  const money = useMoney();
  const text = money.rowAmount(exact);
  const tone = `${exact === "0" && !money.hidden ? " nothing" : ""}${lengthClass(text)}`;
  return (
    <td role="cell" className={`number column-${name}${tone}`} data-label={t(name)} title={money.exactAmount(exact)}>
      {text}
    </td>
  );
});

function Price({ holding, onExplain }: Pick<AssetRowProps, "holding" | "onExplain">) {
  const t = useTranslations("table");
  const money = useMoney();
  const path = holding.path ?? [];
  const whole = path.map(visible).join(" → ");
  // A price ticks, its path does not, and writing out a message costs more than the rest of a cell.
  const hint = useMemo(() => {
    if (whole === "") {
      return undefined;
    }
    const others = holding.prices > 1 ? ` · ${t("otherPrices", { count: holding.prices - 1 })}` : "";
    return t("path", { path: whole }) + others;
  }, [t, whole, holding.prices]);
  if (holding.price === null) {
    return <span aria-hidden="true">–</span>;
  }
  return (
    <span className="price" title={hint}>
      <ValueButton tone=" plain" asset={holding.asset} text={money.price(holding.price)} onExplain={onExplain} />
      {path.length > 1 ? (
        <span className="path">
          <bdi>{path.slice(1).map(visible).join(" → ")}</bdi>
        </span>
      ) : null}
    </span>
  );
}

/** A change with its sign and an arrow: colour alone says nothing. */
export function Change({ percent }: { readonly percent: number | null }) {
  const { language } = useMoney();
  if (percent === null) {
    return <span aria-hidden="true">–</span>;
  }
  // What is written as 0 has no colour either.
  const isFlat = Math.abs(percent) < SMALLEST_PERCENT;
  const tone = isFlat ? "flat" : percent > 0 ? "up" : "down";
  return <span className={`change ${tone}`}>{formatPercent(language, percent, { sign: true })}</span>;
}
