/** What the total was made of: the sums it adds up, what it leaves out, the rates and the version. */

import { Button, Heading } from "react-aria-components";
import { useTranslations } from "use-intl";
import { exchangeTitle } from "../exchanges";
import { formatExact, formatRate, formatTime } from "../lib/format";
import { visible } from "../lib/visible";
import type { PortfolioDocument } from "../model/document";
import { type NamedSum, partsOf } from "../model/explaining";
import type { Tab } from "../model/tabs";
import { Modal } from "./Modal";
import { useMoney } from "./money";
import { useNames } from "./names";

/** So many unpriced holdings are listed here; the table marks each. */
const UNPRICED_MAX = 50;

interface ExplainTotalProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
  /** What the tab is called; null for that of everything. */
  readonly label: string | null;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** The dialog. It goes with the live document: sums and parts are always of one version. */
export function ExplainTotal({ document, tab, label, isOpen, onClose }: ExplainTotalProps) {
  const t = useTranslations("explain");
  const app = useTranslations("app");
  const money = useMoney();
  const { wallet: walletName, place } = useNames();
  const { rates, version, updatedAt } = document;
  const parts = partsOf(document, tab);
  const more = parts.unpriced.length - UNPRICED_MAX;
  return (
    <Modal isOpen={isOpen} onClose={onClose} testId="explain-total-dialog" isWide>
      <Heading slot="title">
        <bdi>{label === null ? t("titleTotal") : t("titleTotalOf", { name: label })}</bdi>
      </Heading>
      <div className="dialog-body">
        <dl className="sum">
          <dt>{t("exact")}</dt>
          <dd data-testid="total-exact">{parts.exactUsd === null ? "–" : money.exactValue(parts.exactUsd)}</dd>
        </dl>
        <Sums title={t("byExchange")} sums={parts.byExchange} name={exchangeTitle} />
        <Sums
          title={t("byAccount")}
          sums={parts.byAccount.map(({ exchange, account, totalUsdExact }) => ({
            name: place(exchange, account, null),
            totalUsdExact,
          }))}
          name={(name) => name}
        />
        <Sums title={t("byWallet")} sums={parts.byWallet} name={walletName} />
        <h3>{t("leftOut")}</h3>
        {parts.unpriced.length === 0 ? <p className="note">{t("nothingLeftOut")}</p> : null}
        <ul>
          {parts.unpriced.slice(0, UNPRICED_MAX).map(({ exchange, account, wallet, asset, amount }) => (
            <li key={`${exchange}/${account}/${wallet}/${asset}`}>
              <bdi>
                {money.amount(amount)} {visible(asset)}
              </bdi>{" "}
              <span className="note">{place(exchange, account, wallet)}</span>
            </li>
          ))}
          {more > 0 ? <li>+ {more}</li> : null}
        </ul>
        {rates.length === 0 ? null : (
          <table>
            <caption>{t("rates")}</caption>
            <tbody>
              {rates.map(({ currency, perUsd, path, pricedAt }) => (
                <tr key={currency}>
                  <th scope="row">{currency}</th>
                  <td className="number" title={formatExact(money.language, perUsd)}>
                    {formatRate(money.language, perUsd)}
                  </td>
                  <td>{path.join(" → ")}</td>
                  <td>{formatTime(money.language, pricedAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <p className="note">
          {t("valuedAt", { time: formatTime(money.language, updatedAt) })} · {t("version")} {version ?? "–"}
        </p>
      </div>
      <div className="dialog-actions">
        <Button className="button primary" onPress={onClose}>
          {app("close")}
        </Button>
      </div>
    </Modal>
  );
}

interface SumsProps {
  readonly title: string;
  readonly sums: readonly NamedSum[];
  readonly name: (name: string) => string;
}

function Sums({ title, sums, name }: SumsProps) {
  const money = useMoney();
  if (sums.length === 0) {
    return null;
  }
  return (
    <table>
      <caption>{title}</caption>
      <tbody>
        {sums.map((sum) => (
          <tr key={sum.name}>
            <th scope="row">{name(sum.name)}</th>
            <td className="number" title={money.exactValue(sum.totalUsdExact)}>
              {money.value(sum.totalUsdExact)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
