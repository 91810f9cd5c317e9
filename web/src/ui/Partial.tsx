/** Whether the total is whole, and if not, why: a badge that opens the list. */

import { useEffect, useState } from "react";
import { Button, Heading } from "react-aria-components";
import { useTranslations } from "use-intl";
import { visible } from "../lib/visible";
import type { PortfolioDocument, Reason } from "../model/document";
import { partialOf } from "../model/reading";
import type { Tab } from "../model/tabs";
import { Icon } from "./icons";
import { Modal } from "./Modal";
import { useNames } from "./names";

/** So many reasons are listed; of thousands nobody reads more, and the table marks each row. */
export const REASONS_MAX = 12;

const KINDS = [
  "loading",
  "bus_away",
  "no_account",
  "never_read",
  "wallet_never_read",
  "wallet_stale",
  "wallet_suspicious",
  "unpriced",
  "price_stale",
] as const;

/** The badge. Nothing is shown where the total is complete: what is normal needs no word. */
export function Partial({ document, tab }: { readonly document: PortfolioDocument; readonly tab: Tab }) {
  const t = useTranslations("total");
  const app = useTranslations("app");
  const [isOpen, setOpen] = useState(false);
  const { isPartial, reasons } = partialOf(document, tab);
  // Once complete the list is closed for good: it must not open by itself when something is missing again.
  useEffect(() => {
    if (!isPartial) {
      setOpen(false);
    }
  }, [isPartial]);
  return (
    <>
      {isPartial ? (
        <Button className="mark warn partial" onPress={() => setOpen(true)} data-testid="total-partial">
          <Icon name="warning" />
          {t("partial")}
          {reasons.length > 0 ? (
            <span className="partial-count"> · {t("partialCount", { count: reasons.length })}</span>
          ) : null}
        </Button>
      ) : null}
      <Modal isOpen={isOpen && isPartial} onClose={() => setOpen(false)} testId="partial-dialog">
        <Heading slot="title">{t("partial")}</Heading>
        <p>{t("partialWhy")}</p>
        <ReasonList document={document} reasons={reasons} />
        <div className="dialog-actions">
          <Button className="button primary" onPress={() => setOpen(false)}>
            {app("close")}
          </Button>
        </div>
      </Modal>
    </>
  );
}

interface ReasonListProps {
  readonly document: PortfolioDocument;
  readonly reasons: readonly Reason[];
}

/** The reasons in words, the first ones first. */
export function ReasonList({ document, reasons }: ReasonListProps) {
  const t = useTranslations("total");
  const word = useReasonWords(document);
  const more = reasons.length - REASONS_MAX;
  return (
    <ul data-testid="reasons">
      {reasons.slice(0, REASONS_MAX).map((reason) => (
        <li key={[reason.kind, reason.exchange, reason.account, reason.wallet, reason.asset].join("/")}>
          <bdi>{word(reason)}</bdi>
        </li>
      ))}
      {more > 0 ? <li>{t("more", { count: more })}</li> : null}
    </ul>
  );
}

function useReasonWords(document: PortfolioDocument): (reason: Reason) => string {
  const t = useTranslations("reason");
  const { place } = useNames();
  const isAway = document.bus.state === "degraded" || document.bus.state === "failed";
  return ({ kind, exchange, account, wallet, asset }) => {
    const known = isAway && kind === "loading" ? "bus_away" : KINDS.find((one) => one === kind);
    const values = { where: place(exchange, account, wallet), asset: visible(asset ?? "") };
    return known === undefined ? t("other", { ...values, kind }) : t(known, values);
  };
}
