/** The buttons that have accounts read anew, and what they may ask for. */

import { createContext, useContext, useState, useSyncExternalStore } from "react";
import { Button, Form, Heading, Input, Label, TextField } from "react-aria-components";
import { useTranslations } from "use-intl";
import { formatDuration } from "../lib/format";
import type { PortfolioDocument } from "../model/document";
import { LostContext } from "./Connection";
import { command } from "./commands";
import { Icon } from "./icons";
import { Modal } from "./Modal";
import { useMoney } from "./money";
import { EVERYTHING, progressOf, type Refreshing, type RefreshState, type Target } from "./refresh";
import { useSecondsTo } from "./time";

/** The button that has everything read anew; the focus goes back to it. */
export const REFRESH_ALL = "refresh-all";

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

/**
 * Reads anew what it is for. While a refresh runs every such button is disabled, and that of the running one counts;
 * so they are while none is taken, and that for all counts down.
 */
export function RefreshButton({ target = EVERYTHING, name, document }: RefreshButtonProps) {
  const t = useTranslations("refresh");
  const [refreshing, state] = useRefresh();
  const { running, waitUntil } = state;
  const isLost = useContext(LostContext);
  const isMine = running !== null && running.exchange === target.exchange && running.account === target.account;
  const isRunning = isMine || (running !== null && running.exchange === null);
  const label = name === undefined ? t("all") : t("one", { name });
  const progress = isMine && name === undefined ? t("progress", progressOf(state, document)) : t("running");
  return (
    <Button
      className={`${name === undefined ? "button primary" : "icon-button"}${waitUntil === null ? "" : " waiting"}`}
      isDisabled={isLost}
      // Not disabled while one runs or none is taken: that would take the focus away from whoever pressed it.
      isPending={running !== null || waitUntil !== null}
      // Idle, the button for all is called by its words; what counts down beside them is no part of its name.
      {...(isRunning || name !== undefined ? { "aria-label": isRunning ? `${label}: ${progress}` : label } : {})}
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
      {name === undefined && waitUntil !== null ? <Countdown until={waitUntil} /> : null}
    </Button>
  );
}

/** The seconds until a refresh is taken. For the eye: what is read out would be read out anew each second. */
function Countdown({ until }: { readonly until: number }) {
  const { language } = useMoney();
  return <span aria-hidden="true">· {formatDuration(language, useSecondsTo(until))}</span>;
}

/** The two questions a refresh may have: for the token, or to set one up. */
export function RefreshDialogs({ isDemo }: { readonly isDemo: boolean }) {
  const [refreshing, { dialog, isTokenWrong }] = useRefresh();
  return (
    <>
      <TokenDialog
        isOpen={dialog === "token"}
        isWrong={isTokenWrong}
        isDemo={isDemo}
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
  /** A demo makes an admin token for itself, which nobody has in a file. */
  readonly isDemo?: boolean;
  readonly kind: "refresh" | "read";
  readonly onToken: (token: string) => void;
  readonly onClose: (() => void) | null;
}

/** Asks for a token. It goes to whoever asked, and is kept nowhere here. */
export function TokenDialog({ isOpen, isWrong, isDemo = false, kind, onToken, onClose }: TokenDialogProps) {
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
      {isAdmin && isDemo ? <p className="note">{admin("tokenDemo")}</p> : null}
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
        <li>{t.rich("offStep1", { command: () => <code>{command("token")}</code> })}</li>
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
