/** What came of a refresh: a note in the corner, over the page and not in it, so that nothing moves when it comes. */

import { useContext, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components";
import { useTranslations } from "use-intl";
import { formatClock, formatDuration, formatTime } from "../lib/format";
import type { PortfolioDocument, Source } from "../model/document";
import { announce } from "./Announcer";
import { Icon } from "./icons";
import { useMoney } from "./money";
import { useNames } from "./names";
import { REFRESH_ALL, useRefresh } from "./RefreshParts";
import type { RefreshState } from "./refresh";
import { NOTHING_KNOWN, useSourceWords } from "./sourceWords";
import { TimeContext, useSecondsTo } from "./time";

/** A refresh that is refused at once, for want of a token, takes less. */
const BEGUN_MS = 400;

/** The note, and the words for those who do not see it. */
export function RefreshResults({ document }: { readonly document: PortfolioDocument | null }) {
  const [, state] = useRefresh();
  useTold(state);
  const { results, error, at } = state;
  return results === null && error === null ? null : <Results key={at} state={state} document={document} />;
}

/** Has each refresh and its outcome read out once: another language, or a second less to wait, is no news. */
function useTold({ running, results, error, waitUntil }: RefreshState): void {
  const t = useTranslations("refresh");
  const { language } = useMoney();
  const told = useRef<object | null>(null);
  const waited = useRef(false);
  useEffect(() => {
    if (running === null) {
      return undefined;
    }
    // Who is asked for the token first has not begun to wait.
    const timer = setTimeout(() => announce(t("announceStart")), BEGUN_MS);
    return () => clearTimeout(timer);
  }, [running, t]);
  useEffect(() => {
    const news = results ?? error;
    if (news === told.current) {
      return;
    }
    told.current = news;
    if (results !== null) {
      const done = results.filter(({ refreshed }) => refreshed).length;
      announce(t("announceDone", { done, failed: results.length - done }));
    } else if (error?.kind === "too_many") {
      const seconds = waitUntil === null ? null : Math.ceil((waitUntil - Date.now()) / 1_000);
      announce(t("announceFailed", { why: t("tooMany", { duration: formatDuration(language, seconds) }) }));
    } else if (error !== null) {
      announce(t("announceFailed", { why: errorText(error, t) }));
    }
  }, [results, error, waitUntil, language, t]);
  useEffect(() => {
    if (waited.current && waitUntil === null) {
      announce(t("tooManyOver"));
    }
    waited.current = waitUntil !== null;
  }, [waitUntil, t]);
}

interface ResultsProps {
  readonly state: RefreshState;
  readonly document: PortfolioDocument | null;
}

function Results({ state, document: portfolio }: ResultsProps) {
  const t = useTranslations("refresh");
  const [refreshing] = useRefresh();
  const { results, error } = state;
  const looks = useLooks(refreshing.hold, refreshing.release);
  const isWell = error === null && (results ?? []).every(({ refreshed }) => refreshed);
  return (
    <section
      className={`banner toast ${isWell ? "info" : error === null ? "trouble" : "bad"}`}
      aria-label={t("results")}
      data-testid="refresh-results"
      {...looks}
    >
      <Icon name={isWell ? "info" : "warning"} />
      <div>
        <When at={state.at} />
        {error === null ? null : (
          <p>
            <strong>
              <Why error={error} waitUntil={state.waitUntil} />
            </strong>{" "}
            <span lang="en" className="said">
              {error.kind === "too_many" ? null : error.message}
            </span>
          </p>
        )}
        {results === null ? null : <Accounts results={results} document={portfolio} />}
      </div>
      <Button
        className="icon-button"
        aria-label={t("dismiss")}
        onPress={() => {
          refreshing.dismiss();
          document.getElementById(REFRESH_ALL)?.focus();
        }}
      >
        <Icon name="close" />
      </Button>
    </section>
  );
}

/** Tells when somebody looks, by pointer or by focus, and when nobody does any more. */
function useLooks(hold: () => void, release: () => void) {
  const [isPointed, setPointed] = useState(false);
  const [isFocused, setFocused] = useState(false);
  const isLookedAt = isPointed || isFocused;
  useEffect(() => {
    if (!isLookedAt) {
      return undefined;
    }
    hold();
    return release;
  }, [isLookedAt, hold, release]);
  return {
    onPointerEnter: () => setPointed(true),
    onPointerLeave: () => setPointed(false),
    onFocus: () => setFocused(true),
    onBlur: (event: React.FocusEvent<HTMLElement>) => {
      // Another window took the keyboard: here the focus stays where it is, and must find its place again.
      const isWindow = event.currentTarget.contains(document.activeElement);
      setFocused(isWindow || event.currentTarget.contains(event.relatedTarget));
    },
  };
}

/** The time of the outcome, by the server's clock as all times of the page. */
function When({ at }: { readonly at: number }) {
  const t = useTranslations("refresh");
  const { language } = useMoney();
  const { serverSkewMs } = useContext(TimeContext);
  // As it was known then: a clock that is measured anew does not change what happened.
  const [moment] = useState(() => new Date(at + serverSkewMs).toISOString());
  return (
    <p className="note">
      {t.rich("resultsOf", {
        time: () => (
          <time dateTime={moment} title={formatTime(language, moment)}>
            {formatClock(language, moment)}
          </time>
        ),
      })}
    </p>
  );
}

interface AccountsProps {
  readonly results: NonNullable<RefreshState["results"]>;
  readonly document: PortfolioDocument | null;
}

function Accounts({ results, document }: AccountsProps) {
  const t = useTranslations("refresh");
  const causeOf = useCauses(document);
  const { account: nameOf } = useNames();
  return (
    <ul className="results">
      {results.map(({ exchange, account, refreshed, message }) => (
        <li key={`${exchange}/${account}`} data-testid={`result-${exchange}-${account}`} data-ok={refreshed}>
          <Icon name={refreshed ? "check" : "warning"} /> <bdi>{nameOf(exchange, account)}</bdi>:{" "}
          {refreshed ? t("done") : `${t("failed")}. ${causeOf(exchange, account)}`}
          {refreshed ? null : (
            <span className="said" lang="en">
              {message}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Why each account could not be read, in the page's words. What was known of it stays, also when it is read again. */
function useCauses(document: PortfolioDocument | null): (exchange: string, account: string) => string {
  const wordsOf = useSourceWords(document ?? NOTHING_KNOWN);
  const failed = useRef(new Map<string, Source>());
  return (exchange, account) => {
    const key = JSON.stringify([exchange, account]);
    const source = document?.sources.find((one) => one.exchange === exchange && one.account === account);
    if (source !== undefined && source.state !== "live" && source.error !== null) {
      failed.current.set(key, source);
    }
    const last = failed.current.get(key);
    return last === undefined ? "" : wordsOf(last).cause;
  };
}

type Words = ReturnType<typeof useTranslations<"refresh">>;
type Failed = NonNullable<RefreshState["error"]>;

function Why({ error, waitUntil }: { readonly error: Failed; readonly waitUntil: number | null }) {
  const t = useTranslations("refresh");
  if (error.kind !== "too_many") {
    return errorText(error, t);
  }
  return waitUntil === null ? t("tooManyOver") : <Waiting until={waitUntil} />;
}

/** How long it is until a refresh is taken again, counting down. */
function Waiting({ until }: { readonly until: number }) {
  const t = useTranslations("refresh");
  const { language } = useMoney();
  return t("tooMany", { duration: formatDuration(language, useSecondsTo(until)) });
}

function errorText({ kind, code }: Failed, t: Words): string {
  if (kind === "network" || kind === "timeout") {
    return t("network");
  }
  return t(code === "bus_away" ? "busAway" : "server");
}
