/** What a value was made of: the balances, the prices with every step of their path, and the versions. */

import { useEffect, useState } from "react";
import { Button, Heading } from "react-aria-components";
import { useTranslations } from "use-intl";
import type { ApiError, Client, Explanation } from "../api/client";
import { exchangeTitle } from "../exchanges";
import { formatExact, formatPrice, formatRate, formatTime, type Language } from "../lib/format";
import { visible } from "../lib/visible";
import { explainedIn, type Place } from "../model/explaining";
import { Modal } from "./Modal";
import { useMoney } from "./money";
import { useNames } from "./names";

/** Why an explanation could not be had, in the page's own words. */
const WORDS = {
  unauthorised: "whyUnauthorised",
  writes_off: "whyRefused",
  too_many: "whyTooMany",
  network: "whyNetwork",
  timeout: "whyTimeout",
  not_found: "whyNotFound",
  refused: "whyRefused",
  server: "whyServer",
} as const satisfies Record<ApiError["kind"], string>;

interface ExplainProps {
  readonly client: Client;
  readonly token: string | null;
  readonly portfolio: string;
  readonly asset: string | null;
  readonly place: Place;
  readonly onClose: () => void;
}

/** The dialog; it asks anew each time it is opened, and says of which version it speaks. */
export function Explain({ client, token, portfolio, asset, place, onClose }: ExplainProps) {
  const t = useTranslations("explain");
  const app = useTranslations("app");
  const { place: placeName } = useNames();
  const { exchange } = place;
  const [answer, setAnswer] = useState<Explanation | ApiError | null>(null);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the turn asks again
  useEffect(() => {
    setAnswer(null);
    if (asset === null) {
      return undefined;
    }
    const leave = new AbortController();
    void client.explain({ asset, exchange, portfolio }, token, leave.signal).then((result) => {
      if (!leave.signal.aborted) {
        setAnswer(result.ok ? result.value : result.error);
      }
    });
    return () => leave.abort();
  }, [client, token, portfolio, asset, exchange, turn]);
  return (
    <Modal isOpen={asset !== null} onClose={onClose} testId="explain-dialog" isWide>
      <Heading slot="title">
        <bdi>
          {exchange === null
            ? t("title", { asset: visible(asset ?? "") })
            : t("titleOf", { asset: visible(asset ?? ""), where: coverOf(place, placeName) })}
        </bdi>
      </Heading>
      <div className="dialog-body">
        {answer === null ? <p className="note">{t("loading")}</p> : null}
        {answer !== null && "kind" in answer ? (
          <p role="alert">
            {t("failed", { why: t(WORDS[answer.kind]) })}{" "}
            <span lang="en" className="said">
              {answer.message}
            </span>{" "}
            <Button className="button" onPress={() => setTurn(turn + 1)}>
              {t("retry")}
            </Button>
          </p>
        ) : null}
        {answer !== null && "balances" in answer ? <Explained answer={explainedIn(answer, place)} /> : null}
      </div>
      <div className="dialog-actions">
        <Button className="button primary" onPress={onClose}>
          {app("close")}
        </Button>
      </div>
    </Modal>
  );
}

/** The whole exchange, or the account with its label, or the wallet in it: whatever is asked for alone. */
function coverOf({ exchange, account, wallet }: Place, name: ReturnType<typeof useNames>["place"]): string {
  return account === null && exchange !== null ? exchangeTitle(exchange) : name(exchange, account, wallet);
}

function Explained({ answer }: { readonly answer: Explanation }) {
  const t = useTranslations("explain");
  const money = useMoney();
  return (
    <>
      <dl className="sum">
        <dt>{t("amount")}</dt>
        <dd data-testid="explain-total">{money.exactAmount(answer.total)}</dd>
        <dt>{t("value")}</dt>
        <dd data-testid="explain-value" title={money.exactValue(answer.valueUsdExact)}>
          {money.value(answer.valueUsdExact)}
        </dd>
      </dl>
      {answer.unpriced === "0" ? null : (
        <p className="mark warn">
          {t("unpriced", { amount: money.amount(answer.unpriced), asset: visible(answer.asset) })}
        </p>
      )}
      <ExplainedBalances answer={answer} />
      <ExplainedPrices answer={answer} />
      <p className="note">
        {t("valuedAt", { time: formatTime(money.language, answer.updatedAt) })} · {t("version")} {answer.version}
      </p>
    </>
  );
}

/** Every digit of a price: one that was divided has eighteen, of which nobody reads more than a few. */
function exactUsd(language: Language, price: string | null): string | undefined {
  return price === null ? undefined : `${formatExact(language, price)} USD`;
}

function ExplainedBalances({ answer }: { readonly answer: Explanation }) {
  const t = useTranslations("explain");
  const status = useTranslations("status");
  const money = useMoney();
  const { place, wallet: walletName } = useNames();
  return (
    <div className="scroll" role="group" aria-label={t("balances")} tabIndex={0}>
      <table>
        <caption>{t("balances")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("at")}</th>
            <th scope="col" className="number">
              {t("amount")}
            </th>
            <th scope="col" className="number">
              {t("price")}
            </th>
            <th scope="col" className="number">
              {t("value")}
            </th>
            <th scope="col">{t("read")}</th>
            <th scope="col">{t("version")}</th>
          </tr>
        </thead>
        <tbody>
          {answer.balances.map((one) => (
            <tr key={`${one.exchange}/${one.account}/${one.wallet}/${one.version}/${one.mirrorOf?.wallet ?? ""}`}>
              <th scope="row">
                <bdi>{place(one.exchange, one.account, one.wallet)}</bdi>{" "}
                {one.status === "fresh" ? null : <span className="mark warn">{status(one.status)}</span>}{" "}
                {one.counted || one.mirrorOf === null ? null : (
                  <span className="mark">{t("notCounted", { wallet: walletName(one.mirrorOf.wallet) })}</span>
                )}
              </th>
              <td className="number" data-label={t("amount")}>
                {money.exactAmount(one.total)}
              </td>
              <td className="number" data-label={t("price")} title={exactUsd(money.language, one.priceUsd)}>
                {money.price(one.priceUsd)}
              </td>
              <td className="number" data-label={t("value")} title={money.exactValue(one.valueUsd)}>
                {money.value(one.valueUsd)}
              </td>
              <td data-label={t("read")}>{formatTime(money.language, one.asOf)}</td>
              <td className="version" data-label={t("version")}>
                {one.version}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ExplainedPrices({ answer }: { readonly answer: Explanation }) {
  const t = useTranslations("explain");
  const table = useTranslations("table");
  const { language } = useMoney();
  if (answer.prices.length === 0) {
    return null;
  }
  return (
    <div className="scroll" role="group" aria-label={t("prices")} tabIndex={0}>
      <table>
        <caption>{t("prices")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("step")}</th>
            <th scope="col">{t("at")}</th>
            <th scope="col" className="number">
              {t("price")}
            </th>
            <th scope="col">{t("priced")}</th>
            <th scope="col">{t("version")}</th>
          </tr>
        </thead>
        {answer.prices.map((price) => (
          <tbody key={price.exchange}>
            <tr className="group">
              <th scope="rowgroup" colSpan={2}>
                <bdi>
                  {exchangeTitle(price.exchange)}: {price.path.map(visible).join(" → ")}
                </bdi>
              </th>
              <td className="number" data-label={t("price")} title={exactUsd(language, price.priceUsd)}>
                {formatPrice(language, price.priceUsd, "USD")}
              </td>
              <td colSpan={2}>{price.stale ? <span className="mark warn">{table("priceStale")}</span> : null}</td>
            </tr>
            {price.legs.map((leg) => (
              <tr key={`${leg.kind}/${leg.exchange ?? ""}/${leg.base}/${leg.quote}`}>
                <td data-label={t("step")}>
                  <bdi>
                    {leg.kind === "direct" || leg.kind === "inverse" || leg.kind === "peg"
                      ? t(leg.kind, { base: visible(leg.base), quote: visible(leg.quote) })
                      : leg.kind}
                  </bdi>
                </td>
                <td data-label={t("at")}>{leg.exchange === null ? "–" : exchangeTitle(leg.exchange)}</td>
                <td className="number" data-label={t("price")} title={formatExact(language, leg.price)}>
                  {formatRate(language, leg.price)}
                </td>
                <td data-label={t("priced")}>{formatTime(language, leg.pricedAt)}</td>
                <td className="version" data-label={t("version")}>
                  {leg.version ?? "–"}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}
