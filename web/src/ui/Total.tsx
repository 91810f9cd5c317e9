/** The number that people come for: the total, in their currency, with what it leaves out. */

import { memo } from "react";
import { Button, ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { useTranslations } from "use-intl";
import { compareDecimals, parseDecimal, ZERO } from "../lib/decimal";
import { type Currency, formatDuration, formatMoney, formatPercent, formatPrice, maskOr } from "../lib/format";
import type { PortfolioDocument, Rate } from "../model/document";
import { convert } from "../model/holdings";
import type { Tab } from "../model/tabs";
import { useMoney } from "./money";
import { Partial } from "./Partial";
import { CURRENCIES, choose, usePreferences } from "./preferences";
import { useAge } from "./time";
import { useStillName } from "./useStillName";

/** What a total says of itself. */
export interface TotalOf {
  /** Exact, in US dollars; null where nothing was ever read. */
  readonly exactUsd: string | null;
  readonly change: { readonly usd: string; readonly percent: number | null; readonly complete: boolean } | null;
}

interface TotalProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
  readonly total: TotalOf;
  readonly label: string;
  readonly isOld: boolean;
  readonly onExplain: () => void;
}

/** The total with its change, its rate, its peg, and whether it is whole. */
export function Total({ document, tab, total, label, isOld, onExplain }: TotalProps) {
  const t = useTranslations("total");
  const money = useMoney();
  const isUnknown = total.exactUsd === null;
  const shown = isUnknown ? t("unknown") : money.value(total.exactUsd);
  const name = useStillName(`${label}: ${shown}. ${t("explain")}`, money.hidden);
  return (
    <section className="total" aria-label={t("label")} data-old={isOld}>
      <div className="total-head">
        <h1 className="total-label">{label}</h1>
        <CurrencyChoice />
      </div>
      <div className="total-line">
        <Button className="total-value" onPress={onExplain} {...name}>
          <span data-testid="total" title={money.exactValue(total.exactUsd)}>
            {shown}
          </span>
        </Button>
        <Partial document={document} tab={tab} />
      </div>
      <div className="total-notes">
        {total.change === null || isUnknown ? null : <Change change={total.change} />}
        {isUnknown ? null : <Second document={document} exactUsd={total.exactUsd} />}
        {document.pegs.length > 0 ? (
          <span className="total-note note">{t("peg", { assets: document.pegs.join(", ") })}</span>
        ) : null}
      </div>
    </section>
  );
}

/** Drawn again only when the choice changes, not with every price. */
const CurrencyChoice = memo(function CurrencyChoice() {
  const t = useTranslations("total");
  const { currency } = usePreferences();
  return (
    <ToggleButtonGroup
      className="segments"
      aria-label={t("currency")}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[currency]}
      onSelectionChange={(keys) => choose({ currency: [...keys][0] as Currency })}
    >
      {CURRENCIES.map((one) => (
        <ToggleButton className="segment" key={one} id={one} data-testid={`currency-${one}`}>
          {one}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
});

function Change({ change }: { readonly change: NonNullable<TotalOf["change"]> }) {
  const t = useTranslations("total");
  const { language, currency, hidden } = useMoney();
  const order = compareDecimals(parseDecimal(change.usd), ZERO);
  const tone = order > 0 ? "up" : order < 0 ? "down" : "flat";
  // In dollars in every currency: the rates of 24 hours ago are not known, and by those of now it could have another sign.
  const amount = maskOr(hidden, formatMoney(language, change.usd, "USD"));
  // "< $0.01" has no sign of its own, and none before it would be read: the arrow is enough.
  const plus = order > 0 && !amount.startsWith("<") ? "+" : "";
  // What changes its width stands last in its line, so that nothing moves behind it.
  return (
    <span className="total-note" title={t("changeHint")}>
      <span className="note">{t(currency === "USD" ? "change" : "changeUsd")}</span>{" "}
      <span className={`change ${tone}`} data-testid="total-change">
        <span className="change-arrow" aria-hidden="true">
          {order > 0 ? "▲" : order < 0 ? "▼" : "●"}
        </span>
        {plus}
        {amount} ({formatPercent(language, change.percent)})
      </span>
      {change.complete ? null : <span className="said">{t("changePartial")}</span>}
    </span>
  );
}

/** The total in a second currency, with the rate between the two: in dollars, which are the truth, or else in liras. */
function Second({ document, exactUsd }: { readonly document: PortfolioDocument; readonly exactUsd: string | null }) {
  const { currency, language, hidden } = useMoney();
  const other: Currency = currency === "USD" ? "TRY" : "USD";
  const shown = currency === "USD" ? other : currency;
  const rate = document.rates.find((one) => one.currency === shown);
  const value = other === "USD" ? exactUsd : convert(exactUsd, rate?.perUsd ?? null);
  return (
    <span className="total-note">
      <span className="second" data-testid="second">
        ≈ {maskOr(hidden, formatMoney(language, value, other))}
      </span>
      <RateNote rate={rate} currency={shown} />
    </span>
  );
}

function RateNote({ rate, currency }: { readonly rate: Rate | undefined; readonly currency: Currency }) {
  const t = useTranslations("total");
  const { language } = useMoney();
  const age = useAge(rate?.pricedAt ?? null);
  if (rate === undefined) {
    return (
      <span className="mark warn" data-testid="rate">
        {t("noRate")}
      </span>
    );
  }
  return (
    <span className="said" data-testid="rate" title={rate.path.join(" → ")}>
      {t("rate", { rate: formatPrice(language, rate.perUsd, currency) })}
      {age === null ? null : ` · ${t("rateAge", { age: formatDuration(language, age) })}`}
      {rate.stale ? " " : null}
      {rate.stale ? <span className="mark warn">{t("rateStale")}</span> : null}
    </span>
  );
}
