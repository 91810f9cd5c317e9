/** Where an asset lies: one row for each wallet that holds it. */

import { useTranslations } from "use-intl";
import type { Holding } from "../model/holdings";
import type { ExplainAsset } from "./Holdings";
import { useMoney } from "./money";
import { useNames } from "./names";
import { ValueButton } from "./ValueButton";

interface BreakdownProps {
  readonly holding: Holding;
  readonly onExplain: ExplainAsset;
}

/** A row of the asset table that holds a table of its own. */
export function Breakdown({ holding, onExplain }: BreakdownProps) {
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
                  <bdi>{place(exchange, account, name)}</bdi>{" "}
                  {status === "fresh" ? null : (
                    <span className={`mark ${status === "stale" ? "warn" : "bad"}`}>{t(status)}</span>
                  )}{" "}
                  {balance.counted || balance.mirrorOf === null ? null : (
                    <span className="mark">{t("countedIn", { wallet: wallet(balance.mirrorOf.wallet) })}</span>
                  )}
                </th>
                <td className="number" data-label={t("free")} title={money.exactAmount(balance.free)}>
                  {money.amount(balance.free)}
                </td>
                <td className="number" data-label={t("locked")} title={money.exactAmount(balance.locked)}>
                  {money.amount(balance.locked)}
                </td>
                <td className="number" data-label={t("total")} title={money.exactAmount(balance.total)}>
                  {money.amount(balance.total)}
                </td>
                <td className="number" data-label={t("price")}>
                  {money.price(balance.priceUsd)}
                </td>
                <td className="number" data-label={t("value")} title={money.exactValue(balance.valueUsd)}>
                  {balance.valueUsd === null ? (
                    t("unpriced")
                  ) : (
                    <ValueButton
                      tone=" plain"
                      text={money.value(balance.valueUsd)}
                      asset={holding.asset}
                      place={{ exchange, account, wallet: name }}
                      onExplain={onExplain}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </td>
    </tr>
  );
}
