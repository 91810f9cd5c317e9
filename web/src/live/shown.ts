/** What of a connection is told to people, and whether what they see is as true as it looks. */

import type { FailureKind } from "./failure";
import type { ConnectionState, ConnectionStatus } from "./state";

/** A status as people are told it: a server that is newer than the page, or that hears nothing itself, is no live one. */
export type ShownStatus = ConnectionStatus | "unsupported" | "bus_away";

/** After so long without a sign of life even a short break is told at once: the machine slept, and prices did not. */
export const CALM_ALIVE_MS = 10_000;

/** Why nothing better is shown, in the classes that have words of their own. */
export type Blame = "unreachable" | Exclude<FailureKind, "network" | "timeout" | "silent" | "closed" | "unauthorised">;

/** Whether the connection was lost so shortly after its last sign of life that it deserves a moment of patience. */
export function mayBeCalm(state: ConnectionState): boolean {
  const isAway = state.status === "reconnecting" || state.status === "offline";
  return isAway && state.document !== null && state.aliveAt !== null && state.since - state.aliveAt <= CALM_ALIVE_MS;
}

/** The status that people see; in the moment of patience it is the one from before the break. */
export function shownStatus(state: ConnectionState, isCalm: boolean): ShownStatus {
  const status = isCalm && mayBeCalm(state) ? state.settled : state.status;
  if (status !== "live" && status !== "polling") {
    return status;
  }
  return state.unsupported !== null ? "unsupported" : isBusAway(state) ? "bus_away" : status;
}

/** Whether the bus is away, so that what is shown was known before that and nothing newer comes. */
export function isBusAway({ document }: ConnectionState): boolean {
  return document !== null && (document.bus.state === "degraded" || document.bus.state === "failed");
}

/** Whether the newest document is the state of now: connected, understood, and with a bus behind it. */
export function isCurrent(state: ConnectionState): boolean {
  return (state.status === "live" || state.status === "polling") && state.unsupported === null && !isBusAway(state);
}

/** Who or what is to blame for a lost connection: a server that answers, however wrongly, is not one that is gone. */
export function blameOf(kind: FailureKind | null): Blame {
  switch (kind) {
    case null:
    case "network":
    case "timeout":
    case "silent":
    case "closed":
    case "unauthorised":
      return "unreachable";
    default:
      return kind;
  }
}
