import type { PortfolioDocument } from "./document";
import type { FailureKind } from "./failure";

/** How the page stands to the server. */
export type ConnectionStatus =
  | "connecting"
  | "live"
  | "reconnecting"
  | "polling"
  | "offline"
  | "unauthorised"
  | "not_found";

/** The connection as it is: the newest document whatever happened since, and what did. Never changed, only replaced. */
export interface ConnectionState {
  readonly status: ConnectionStatus;
  /** When this status began, by the local clock. */
  readonly since: number;
  /** The newest document that could be understood; kept through every trouble. */
  readonly document: PortfolioDocument | null;
  /** The server's newest document is of a version that this page does not know; `document` is an older one. */
  readonly unsupported: { readonly schemaVersion: number } | null;
  /** When `document` came, by the local clock. */
  readonly receivedAt: number | null;
  /** When the server last let hear of it that `document` is its newest: a state, a heartbeat, "not modified". */
  readonly aliveAt: number | null;
  /** The status, or while the connection is away the one before that. */
  readonly settled: ConnectionStatus;
  /** The server's clock minus the local one; 0 until anything is known of it. */
  readonly serverSkewMs: number;
  /** Why it is not live, in the server's or our English words; null while it is. */
  readonly lastError: string | null;
  /** The same for programs: what the page says in the reader's language. */
  readonly lastErrorKind: FailureKind | null;
  /** Failed tries in a row. */
  readonly attempts: number;
}

/** The state before anything was tried. */
export function initialState(now: number): ConnectionState {
  return {
    status: "connecting",
    since: now,
    document: null,
    unsupported: null,
    receivedAt: null,
    aliveAt: null,
    settled: "connecting",
    serverSkewMs: 0,
    lastError: null,
    lastErrorKind: null,
    attempts: 0,
  };
}
