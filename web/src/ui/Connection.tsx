/** How the connection to Spark Portfolio stands: calm while it is well, clear when it is not. */

import { createContext, useEffect, useRef } from "react";
import { useTranslations } from "use-intl";
import { mayBeCalm, type ShownStatus, shownStatus } from "../live/shown";
import type { ConnectionState } from "../live/state";
import { announce } from "./Announcer";
import { useCalm } from "./useCalm";

/** A break shorter than this is not worth a word: the stream is usually back within a second. */
export const CALM_MS = 3_000;

const TONES: Readonly<Record<ShownStatus, "good" | "wait" | "bad">> = {
  connecting: "wait",
  live: "good",
  reconnecting: "wait",
  polling: "good",
  offline: "bad",
  unauthorised: "bad",
  not_found: "bad",
  unsupported: "bad",
  bus_away: "wait",
};

/** The status that people see: in a short break it is still the one from before. */
export function useShownStatus(connection: ConnectionState): ShownStatus {
  return shownStatus(connection, useCalm(mayBeCalm(connection), CALM_MS));
}

/** Whether what is shown may be older than it looks, so that it must be marked. */
export function isLost(status: ShownStatus): boolean {
  return status === "reconnecting" || status === "offline" || status === "unauthorised";
}

/** Until when what is shown was the newest, by the server's clock, if it may no longer be; null while it is. */
export function useKnownAt(connection: ConnectionState): string | null {
  const status = useShownStatus(connection);
  const { aliveAt, receivedAt, serverSkewMs, document } = connection;
  if (status === "bus_away") {
    return document?.bus.since ?? null;
  }
  const at = aliveAt ?? receivedAt;
  return isLost(status) && at !== null ? new Date(at + serverSkewMs).toISOString() : null;
}

/** Whether what is shown is not the state of now: the connection is lost, the bus is away, or the server is too new. */
export function useIsOld(connection: ConnectionState): boolean {
  const status = useShownStatus(connection);
  return isLost(status) || status === "unsupported" || status === "bus_away";
}

/** Whether the connection is lost, for parts that then cannot do what they are for. */
export const LostContext = createContext(false);

/** A dot and a word. */
export function Connection({ connection }: { readonly connection: ConnectionState }) {
  const t = useTranslations("connection");
  const status = useShownStatus(connection);
  const wasLost = useRef(false);
  const lost = isLost(status) && connection.document !== null;
  const back = status === "live" || status === "polling" ? status : null;
  useEffect(() => {
    if (lost && !wasLost.current) {
      wasLost.current = true;
      announce(t("announceLost"));
    } else if (back !== null && wasLost.current) {
      wasLost.current = false;
      // Values that are asked for every few seconds are known again, but they are not live.
      announce(t(back === "live" ? "announceBack" : "announcePolling"));
    }
  }, [lost, back, t]);
  const hint = status === "live" ? t("liveHint") : status === "polling" ? t("pollingHint") : t(status);
  return (
    <span className={`connection ${TONES[status]}`} data-testid="connection" data-status={status} title={hint}>
      <span className="dot" aria-hidden="true" />
      <span className="connection-word">{t(status)}</span>
    </span>
  );
}
