/** The buttons that have accounts read anew, and what is said of it. */

import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Button, Form, Heading, Input, Label, TextField } from "react-aria-components";
import { useTranslations } from "use-intl";
import type { PortfolioDocument } from "../model/document";
import { announce } from "./Announcer";
import { LostContext } from "./Connection";
import { Icon } from "./icons";
import { Modal } from "./Modal";
import { useNames } from "./names";
import { EVERYTHING, progressOf, type Refreshing, type RefreshState, type Target } from "./refresh";

/** A refresh that is refused at once, for want of a token, takes less. */
const BEGUN_MS = 400;

/** The button that has everything read anew; the focus goes back to it. */
const REFRESH_ALL = "refresh-all";

/** The refresh of the page. */
export const RefreshContext = createContext<Refreshing | null>(null);

/** The refresh, and how it stands. */
export function useRefresh(): [Refreshing, RefreshState] {
  const refreshing = useContext(RefreshContext);
  if (refreshing === null) {
    throw new Error("there is no refresh here");
  }
  return [refreshing, useSyncExternalStore(refreshing.subscribe, refreshing.getSnapshot)];
}

interface RefreshButtonProps {
  readonly target?: Target;
  readonly name?: string;
  readonly document: PortfolioDocument;
}

/** Reads anew what it is for. While a refresh runs every such button is disabled, and that of the running one counts. */
export function RefreshButton({ target = EVERYTHING, name, document }: RefreshButtonProps) {
  const t = useTranslations("refresh");
  const [refreshing, state] = useRefresh();
  const { running } = state;
  const isLost = useContext(LostContext);
  const isMine = running !== null && running.exchange === target.exchange && running.account === target.account;
  const isRunning = isMine || (running !== null && running.exchange === null);
  const label = name === undefined ? t("all") : t("one", { name });
  const progress = isMine && name === undefined ? t("progress", progressOf(state, document)) : t("running");
  return (
    <Button
      className={name === undefined ? "button primary" : "icon-button"}
      isDisabled={isLost}
      // Not disabled while one runs: that would take the focus away from whoever pressed it.
      isPending={running !== null}
      aria-label={isRunning ? `${label}: ${progress}` : label}
      onPress={() => {
        void refreshing.begin(target);
      }}
      {...(name === undefined ? { id: REFRESH_ALL } : {})}
      data-testid={name === undefined ? "refresh-all" : `refresh-${target.exchange}-${target.account}`}
    >
      <span className={isRunning ? "turning" : undefined}>
        <Icon name="refresh" />
      </span>
      {name === undefined ? <span>{isRunning ? progress : label}</span> : null}
    </Button>
  );
}

/** What came of it: a strip with a line for each account, until it is put away or the next one begins. */
export function RefreshResults() {
  const t = useTranslations("refresh");
  const { account: nameOf } = useNames();
  const [refreshing, { running, results, error }] = useRefresh();
  const told = useRef<object | null>(null);
  const why = error === null ? null : errorText(error.kind, error.code, error.retryAfterSeconds, t);
  useEffect(() => {
    if (running === null) {
      return undefined;
    }
    // Who is asked for the token first has not begun to wait.
    const timer = setTimeout(() => announce(t("announceStart")), BEGUN_MS);
    return () => clearTimeout(timer);
  }, [running, t]);
  useEffect(() => {
    // Once for each refresh: another language is no news.
    const news = results ?? error;
    if (news === told.current) {
      return;
    }
    told.current = news;
    if (results !== null) {
      const done = results.filter(({ refreshed }) => refreshed).length;
      announce(t("announceDone", { done, failed: results.length - done }));
    } else if (why !== null) {
      announce(t("announceFailed", { why }));
    }
  }, [results, error, why, t]);
  if (results === null && error === null) {
    return null;
  }
  return (
    <div className={`banner ${error === null ? "info" : "bad"}`} data-testid="refresh-results">
      <Icon name={error === null ? "info" : "warning"} />
      <div>
        {error === null ? null : (
          <p>
            <strong>{why}</strong>{" "}
            <span lang="en" className="said">
              {error.message}
            </span>
          </p>
        )}
        <ul className="results">
          {(results ?? []).map(({ exchange, account, refreshed, message }) => (
            <li key={`${exchange}/${account}`} data-testid={`result-${exchange}-${account}`} data-ok={refreshed}>
              <Icon name={refreshed ? "check" : "warning"} /> <bdi>{nameOf(exchange, account)}</bdi>:{" "}
              {t(refreshed ? "done" : "failed")}
              {refreshed ? null : (
                <span className="said" lang="en">
                  {message}
                </span>
              )}
            </li>
          ))}
        </ul>
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
    </div>
  );
}

type Words = ReturnType<typeof useTranslations<"refresh">>;

function errorText(kind: string, code: string | null, seconds: number | null, t: Words): string {
  if (kind === "too_many") {
    return t("tooMany", { seconds: seconds ?? 60 });
  }
  if (kind === "network" || kind === "timeout") {
    return t("network");
  }
  return code === "bus_away" ? t("busAway") : t("failed");
}

/** The two questions a refresh may have: for the token, or to set one up. */
export function RefreshDialogs() {
  const [refreshing, { dialog, isTokenWrong }] = useRefresh();
  return (
    <>
      <TokenDialog
        isOpen={dialog === "token"}
        isWrong={isTokenWrong}
        kind="refresh"
        onToken={(token) => void refreshing.giveToken(token)}
        onClose={refreshing.dismiss}
      />
      <OffDialog isOpen={dialog === "off"} onClose={refreshing.dismiss} />
    </>
  );
}

interface TokenDialogProps {
  readonly isOpen: boolean;
  readonly isWrong: boolean;
  readonly kind: "refresh" | "read";
  readonly onToken: (token: string) => void;
  readonly onClose: (() => void) | null;
}

/** Asks for a token. It goes to whoever asked, and is kept nowhere here. */
export function TokenDialog({ isOpen, isWrong, kind, onToken, onClose }: TokenDialogProps) {
  const admin = useTranslations("refresh");
  const reader = useTranslations("readToken");
  const app = useTranslations("app");
  const [token, setToken] = useState("");
  const isAdmin = kind === "refresh";
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    onToken(token);
    setToken("");
  };
  return (
    <Modal isOpen={isOpen} onClose={onClose} testId="token-dialog">
      <Heading slot="title">{isAdmin ? admin("tokenTitle") : reader("title")}</Heading>
      <p>{isAdmin ? admin("tokenText") : reader("text")}</p>
      <Form onSubmit={submit}>
        <TextField
          className="field"
          type="password"
          value={token}
          onChange={setToken}
          autoComplete="off"
          isRequired
          autoFocus
        >
          <Label>{isAdmin ? admin("tokenLabel") : reader("label")}</Label>
          <Input data-testid="token" spellCheck="false" />
        </TextField>
        {isWrong ? (
          <p className="field-error" role="alert">
            {isAdmin ? admin("tokenWrong") : reader("wrong")}
          </p>
        ) : null}
        <div className="dialog-actions">
          {onClose === null ? null : (
            <Button className="button" onPress={onClose}>
              {app("cancel")}
            </Button>
          )}
          <Button className="button primary" type="submit">
            {isAdmin ? admin("tokenSend") : reader("send")}
          </Button>
        </div>
      </Form>
    </Modal>
  );
}

function OffDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const t = useTranslations("refresh");
  const app = useTranslations("app");
  return (
    <Modal isOpen={isOpen} onClose={onClose} testId="off-dialog">
      <Heading slot="title">{t("offTitle")}</Heading>
      <p>{t("offText")}</p>
      <ol>
        <li>{t.rich("offStep1", { command: () => <code>spark-portfolio token</code> })}</li>
        <li>{t.rich("offStep2", { setting: () => <code>ADMIN_TOKEN</code> })}</li>
        <li>{t("offStep3")}</li>
      </ol>
      <div className="dialog-actions">
        <Button className="button primary" onPress={onClose}>
          {app("close")}
        </Button>
      </div>
    </Modal>
  );
}
