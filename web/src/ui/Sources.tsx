/** Each source: how it stands, when it last succeeded, and for an error its cause and what to do, in plain words. */

import { Button, Disclosure, DisclosurePanel, Heading } from "react-aria-components";
import { useTranslations } from "use-intl";
import { formatDuration, formatTime } from "../lib/format";
import type { Account, PortfolioDocument, Source } from "../model/document";
import { excuseOf, lastReadOf, toneOf } from "../model/sources";
import { partsOf } from "../model/troubles";
import { Ago } from "./Age";
import { Icon } from "./icons";
import { useMoney } from "./money";
import { useNames } from "./names";
import { RefreshButton } from "./RefreshParts";
import { known, type SourceWords, STATES, useCause, useSourceWords } from "./sourceWords";
import { useIsPast, useSecondsUntil } from "./time";

const HEALTHS = ["starting", "ok", "suspicious", "failed"] as const;
const PERMISSIONS = ["unknown", "read_only", "overridden", "refused", "unverified"] as const;

interface SourcesProps {
  readonly document: PortfolioDocument;
  readonly sources: readonly Source[];
  /** When the document came, where that is not now: what is said of the sources was true then. */
  readonly knownAt: string | null;
}

/** All sources, those of the chosen tab. */
export function Sources({ document, sources, knownAt }: SourcesProps) {
  const t = useTranslations("sources");
  const { language } = useMoney();
  const withKeys = sources.filter(({ state }) => state !== "unconfigured");
  const live = withKeys.filter(({ state }) => state === "live").length;
  return (
    <section className="card sources" aria-label={t("title")}>
      <h2>
        {t("title")}{" "}
        {withKeys.length === 0 || knownAt !== null ? null : (
          <span className="note">{t("summary", { live, all: withKeys.length })}</span>
        )}
      </h2>
      {knownAt === null ? null : <p className="mark warn">{t("asOf", { time: formatTime(language, knownAt) })}</p>}
      {sources.length === 0 ? <p className="note">{t("none")}</p> : null}
      {sources.map((source) => (
        <SourceCard key={`${source.exchange}/${source.account}`} source={source} document={document} />
      ))}
    </section>
  );
}

interface SourceProps {
  readonly source: Source;
  readonly document: PortfolioDocument;
}

function SourceCard({ source, document }: SourceProps) {
  const t = useTranslations("sources");
  const { account: nameOf } = useNames();
  const { exchange, account, state } = source;
  const read = document.accounts.find((one) => one.exchange === exchange && one.account === account);
  const name = nameOf(exchange, account);
  const shown = known(STATES, state);
  return (
    <article
      className={`source ${toneOf(source, read)}`}
      data-testid={`source-${exchange}-${account}`}
      data-state={state}
    >
      <header className="source-head">
        <span className="dot" aria-hidden="true" />
        <h3>
          <bdi>{name}</bdi>
        </h3>
        <span className="source-state">{shown === undefined ? state : t(`state_${shown}`)}</span>
        {state === "unconfigured" ? null : (
          <RefreshButton target={{ exchange, account }} name={name} document={document} />
        )}
      </header>
      {state === "unconfigured" ? null : (
        <p className="note">
          {t("lastSuccess")}: <Ago at={lastReadOf(source, read)} />{" "}
          {read === undefined ? null : <Freshness account={read} />}
        </p>
      )}
      <WhatToDo source={source} document={document} />
      <Details source={source} read={read} />
    </article>
  );
}

/** A mark where the account is not fresh: as the server says, or because the time came while it could not say so. */
function Freshness({ account }: { readonly account: Account }) {
  const t = useTranslations("status");
  const isPast = useIsPast(account.wallets.map(({ staleAt }) => staleAt));
  const status = account.status === "fresh" && isPast ? "stale" : account.status;
  return status === "fresh" ? null : <span className={`mark ${status === "stale" ? "warn" : "bad"}`}>{t(status)}</span>;
}

function WhatToDo({ source, document }: SourceProps) {
  const t = useTranslations("sources");
  const { language } = useMoney();
  const { places } = useNames();
  const wordsOf = useSourceWords(document);
  const error = source.state === "live" || excuseOf(document.bus, source) !== null ? null : source.error;
  if (error === null) {
    const { mend } = wordsOf(source);
    return mend === "" ? null : <p className="what-to-do">{mend}</p>;
  }
  const parts = partsOf(source);
  return (
    <div className="what-to-do" data-testid={`error-${source.exchange}-${source.account}`}>
      {parts.map((part) => (
        <WhatFails
          key={part.wallets.join()}
          where={part.wallets.length === 0 ? null : places(source.exchange, source.account, part.wallets)}
          words={wordsOf(part.source)}
          retryAt={part.source.error?.retryAt ?? null}
        />
      ))}
      <details>
        <summary>
          {t("error")} <span className="note">({formatTime(language, error.at)})</span>
        </summary>
        <p lang="en">
          {error.message} {error.mend}
        </p>
      </details>
    </div>
  );
}

interface WhatFailsProps {
  /** The wallets that fail; null where all of it does. */
  readonly where: string | null;
  readonly words: SourceWords;
  readonly retryAt: string | null;
}

function WhatFails({ where, words, retryAt }: WhatFailsProps) {
  const { cause, said, mend } = words;
  return (
    <>
      {where === null && cause === "" ? null : (
        <p>
          <strong>
            {where === null ? null : (
              <>
                <bdi>{where}</bdi>:{" "}
              </>
            )}
            {said}
          </strong>
        </p>
      )}
      <p>
        {mend} <RetryAt at={retryAt} />
      </p>
    </>
  );
}

/** When the collector tries again by itself. */
function RetryAt({ at }: { readonly at: string | null }) {
  const t = useTranslations("sources");
  const { language } = useMoney();
  const seconds = useSecondsUntil(at);
  if (seconds === null) {
    return null;
  }
  return (
    <span className="note">
      ({seconds > 0 ? t("retryIn", { duration: formatDuration(language, seconds) }) : t("retryNow")})
    </span>
  );
}

function Details({ source, read }: { readonly source: Source; readonly read: Account | undefined }) {
  const t = useTranslations("sources");
  const { wallet: walletName } = useNames();
  const causeOf = useCause();
  const { language } = useMoney();
  const { state, ipRestricted } = source.permissions;
  const permission = known(PERMISSIONS, state);
  if (source.wallets.length === 0) {
    return null;
  }
  return (
    <Disclosure className="disclosure">
      <Heading level={4}>
        <Button slot="trigger" className="link">
          <Icon name="chevron" />
          {t("details")}
        </Button>
      </Heading>
      <DisclosurePanel>
        <table className="wallets" aria-label={t("wallets")}>
          <tbody>
            {source.wallets.map(({ wallet, health, pollIntervalSeconds, lastSuccessAt, error }) => {
              const word = known(HEALTHS, health);
              const asOf = read?.wallets.find((one) => one.wallet === wallet)?.asOf ?? lastSuccessAt;
              return (
                <tr key={wallet}>
                  <th scope="row">{walletName(wallet)}</th>
                  <td>
                    {word === undefined ? health : t(`health_${word}`)}{" "}
                    <span className="note">
                      <Ago at={asOf} />
                    </span>
                    {error === null ? null : <> {causeOf(error.reason)}</>}
                    {error === null ? null : (
                      <span className="said" lang="en">
                        {error.message}
                      </span>
                    )}
                  </td>
                  <td className="note">{t("every", { duration: formatDuration(language, pollIntervalSeconds) })}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        <p className="note">
          {t("key")}: {permission === undefined ? state : t(`key_${permission}`)}
          {ipRestricted === null ? null : `, ${t(ipRestricted ? "key_ip" : "key_noip")}`}
        </p>
      </DisclosurePanel>
    </Disclosure>
  );
}
