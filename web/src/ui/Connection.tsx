/** How the connection to Spark Portfolio stands: calm while it is well, clear when it is not. */

import { createContext, useEffect, useRef } from "react";
import { useTranslations } from "use-intl";
import type { ConnectionState, ConnectionStatus } from "../live/state";
import { announce } from "./Announcer";
import { useCalm } from "./useCalm";

/** A break shorter than this is not worth a word: the stream is usually back within a second. */
export const CALM_MS = 3_000;

const TONES: Readonly<Record<ConnectionStatus, "good" | "wait" | "bad">> = {
  connecting: "wait",
  live: "good",
  reconnecting: "wait",
  polling: "good",
  offline: "bad",
  unauthorised: "bad",
  not_found: "bad",
};

/** The state that people see: a short break is still called live. */
export function useShownStatus(connection: ConnectionState): ConnectionStatus {
  const isAway = connection.status === "reconnecting" || connection.status === "offline";
  const isBreak = isAway && connection.document !== null;
  const isCalm = useCalm(isBreak, CALM_MS);
  return isBreak && isCalm ? "live" : connection.status;
}

/** Whether what is shown may be older than it looks, so that it must be marked. */
export function isLost(status: ConnectionStatus): boolean {
  return status === "reconnecting" || status === "offline" || status === "unauthorised";
}

/** When the document came, by the server's clock, if the connection is lost since; null while what is shown is live. */
export function useKnownAt(connection: ConnectionState): string | null {
  const status = useShownStatus(connection);
  const { receivedAt, serverSkewMs } = connection;
  return isLost(status) && receivedAt !== null ? new Date(receivedAt + serverSkewMs).toISOString() : null;
}

/** Whether the connection is lost, for parts that then cannot do what they are for. */
export const LostContext = createContext(false);

/** A dot and a word. */
export function Connection({ connection }: { readonly connection: ConnectionState }) {
  const t = useTranslations("connection");
  const status = useShownStatus(connection);
  const wasLost = useRef(false);
  const lost = isLost(status) && connection.document !== null;
  const back = status === "live" || status === "polling";
  useEffect(() => {
    if (lost && !wasLost.current) {
      wasLost.current = true;
      announce(t("announceLost"));
    } else if (back && wasLost.current) {
      wasLost.current = false;
      announce(t("announceBack"));
    }
  }, [lost, back, t]);
  const hint = status === "live" ? t("liveHint") : status === "polling" ? t("pollingHint") : undefined;
  return (
    <span className={`connection ${TONES[status]}`} data-testid="connection" data-status={status} title={hint}>
      <span className="dot" aria-hidden="true" />
      <span className="connection-word">{t(status)}</span>
    </span>
  );
}
