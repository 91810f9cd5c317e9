/** One asset: its row, and below it, when opened, where it lies. */

import { memo } from "react";
import { Button, Tooltip, TooltipTrigger } from "react-aria-components";
import { useTranslations } from "use-intl";
import { formatPercent, formatShare } from "../lib/format";
import { assetName } from "../lib/names";
import type { Holding, Mark, Part } from "../model/holdings";
import { Icon } from "./icons";
import { useMoney } from "./money";
import { useNames } from "./names";

/** A number of so many characters fits its column. */
const SHORT = 8;

const MARK_TONES: Readonly<Record<Mark, "bad" | "warn" | "plain">> = {
  suspicious: "bad",
  stale: "warn",
  priceStale: "warn",
  unpriced: "warn",
  mirror: "plain",
};

interface AssetRowProps {
  readonly holding: Holding;
  readonly share: number | null;
  readonly isOpen: boolean;
  readonly index: number;
  readonly onToggle: (asset: string) => void;
  readonly onExplain: (asset: string) => void;
  readonly measure?: (element: Element | null) => void;
}

/** A group of rows of its own, so that it can be measured as one. Drawn again only when something of it changed. */
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
      className={rowClass(holding, isOpen)}
      data-testid={`row-${asset}`}
    >
      <tr role="row" aria-rowindex={index + 2}>
        <th scope="row" role="rowheader" className="column-asset">
          <AssetCell holding={holding} isOpen={isOpen} onToggle={onToggle} />
        </th>
        <Amount name="free" exact={holding.free} />
        <Amount name="locked" exact={holding.locked} />
        <Amount name="total" exact={holding.total} />
        <td role="cell" className="number column-price" data-label={t("price")}>
          <Price holding={holding} />
        </td>
        <td role="cell" className="number column-change" data-label={t("change")}>
          <Change percent={holding.change} />
        </td>
        <td role="cell" className="number column-value" data-label={t("value")}>
          {holding.value === null ? (
            <Marked mark={holding.marks.includes("mirror") ? "mirror" : "unpriced"} />
          ) : (
            <Button
              className="explain"
              onPress={() => onExplain(asset)}
              aria-label={`${money.value(holding.value)}. ${t("explain", { asset })}`}
            >
              {money.value(holding.value)}
            </Button>
          )}
        </td>
        <td role="cell" className="number column-share" data-label={t("share")}>
          {formatShare(money.language, share)}
        </td>
      </tr>
      {isOpen ? <Breakdown holding={holding} /> : null}
    </tbody>
  );
});

function rowClass({ marks }: Holding, isOpen: boolean): string {
  return [isOpen ? "open" : "", marks.includes("mirror") ? "mirror" : "", marks.includes("stale") ? "old" : ""]
    .join(" ")
    .trim();
}

function AssetCell({ holding, isOpen, onToggle }: Pick<AssetRowProps, "holding" | "isOpen" | "onToggle">) {
  const t = useTranslations("table");
  const { language } = useMoney();
  const { asset } = holding;
  const name = assetName(asset, language);
  // What stands in the column of values is not said twice.
  const marks =
    holding.value === null ? holding.marks.filter((mark) => mark !== "unpriced" && mark !== "mirror") : holding.marks;
  return (
    <span className="asset">
      <Button
        className="expander"
        aria-expanded={isOpen}
        aria-label={t(isOpen ? "collapse" : "expand", { asset })}
        onPress={() => onToggle(asset)}
      >
        <Icon name="chevron" />
      </Button>
      <span className="asset-words">
        <bdi className="asset-code" title={asset}>
          {asset}
        </bdi>
        {name === null ? null : <span className="asset-name">{name}</span>}
        {marks.map((mark) => (
          <Marked key={mark} mark={mark} />
        ))}
      </span>
    </span>
  );
}

/** A mark in a word, with its meaning where the pointer or the keyboard rests on it. */
function Marked({ mark }: { readonly mark: Mark }) {
  const t = useTranslations("table");
  return (
    <TooltipTrigger delay={300}>
      <Button className={`mark ${MARK_TONES[mark]}`}>{t(mark)}</Button>
      <Tooltip className="tooltip">{t(`${mark}Hint`)}</Tooltip>
    </TooltipTrigger>
  );
}

function Amount({ name, exact }: { readonly name: "free" | "locked" | "total"; readonly exact: string }) {
  const t = useTranslations("table");
  const money = useMoney();
  return (
    <td
      role="cell"
      className={`number column-${name}${exact === "0" ? " nothing" : ""}`}
      data-label={t(name)}
      title={money.exactAmount(exact)}
    >
      <Digits text={money.amount(exact)} />
    </td>
  );
}

/** A number that may be broken at its decimal mark, and nowhere else. */
function Digits({ text }: { readonly text: string }) {
  const at = Math.max(text.lastIndexOf("."), text.lastIndexOf(",")) + 1;
  return text.length <= SHORT || at === 0 ? (
    text
  ) : (
    <>
      {text.slice(0, at)}
      <wbr />
      {text.slice(at)}
    </>
  );
}

function Price({ holding }: { readonly holding: Holding }) {
  const t = useTranslations("table");
  const money = useMoney();
  if (holding.price === null) {
    return <span aria-hidden="true">–</span>;
  }
  const path = holding.path ?? [];
  const others = holding.prices > 1 ? ` · ${t("otherPrices", { count: holding.prices - 1 })}` : "";
  const hint = t("path", { path: path.join(" → ") }) + others;
  return (
    <span className="price" title={hint}>
      {money.price(holding.price)}
      <span className="path">
        <bdi>{path.slice(1).join(" → ")}</bdi>
      </span>
    </span>
  );
}

/** A change with its sign and an arrow: colour alone says nothing. */
export function Change({ percent }: { readonly percent: number | null }) {
  const { language } = useMoney();
  if (percent === null) {
    return <span aria-hidden="true">–</span>;
  }
  const tone = percent > 0 ? "up" : percent < 0 ? "down" : "flat";
  return <span className={`change ${tone}`}>{formatPercent(language, percent, { sign: true })}</span>;
}

function Breakdown({ holding }: { readonly holding: Holding }) {
  const t = useTranslations("table");
  const money = useMoney();
  const { place, wallet } = useNames();
  return (
    <tr role="row" className="breakdown">
      <td role="cell" colSpan={8}>
        <table aria-label={t("where")}>
          <thead>
            <tr>
              <th scope="col">{t("where")}</th>
              {(["free", "locked", "total", "price", "value"] as const).map((column) => (
                <th scope="col" className="number" key={column}>
                  {t(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {holding.parts.map(({ exchange, account, wallet: name, balance, status }) => (
              <tr
                key={`${exchange}/${account}/${name}/${balance.code ?? balance.asset}/${balance.mirrorOf?.wallet ?? ""}`}
              >
                <th scope="row">
                  <bdi>{place(exchange, account, name)}</bdi>
                  {status === "fresh" ? null : (
                    <span className={`mark ${status === "stale" ? "warn" : "bad"}`}>{t(status)}</span>
                  )}
                  {balance.counted || balance.mirrorOf === null ? null : (
                    <span className="mark">{t("countedIn", { wallet: wallet(balance.mirrorOf.wallet) })}</span>
                  )}
                </th>
                <td className="number" title={money.exactAmount(balance.free)}>
                  {money.amount(balance.free)}
                </td>
                <td className="number" title={money.exactAmount(balance.locked)}>
                  {money.amount(balance.locked)}
                </td>
                <td className="number" title={money.exactAmount(balance.total)}>
                  {money.amount(balance.total)}
                </td>
                <td className="number">{money.price(balance.priceUsd)}</td>
                <td className="number" title={money.exactValue(balance.valueUsd)}>
                  {worth({ balance }, money.value, t("unpriced"))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </td>
    </tr>
  );
}

function worth({ balance }: Pick<Part, "balance">, value: (exact: string | null) => string, unpriced: string): string {
  return balance.valueUsd === null ? unpriced : value(balance.valueUsd);
}
