import { useEffect, useSyncExternalStore } from "react";
import { attach } from "./attach";
import type { Clock } from "./clock";
import type { Connection } from "./connection";
import type { ConnectionState } from "./state";

/** The state of a connection; the component is drawn anew when it changes. */
export function useConnection(connection: Connection): ConnectionState {
  return useSyncExternalStore(connection.subscribe, connection.getSnapshot);
}

/** Keep a connection open for as long as the component lives. */
export function useAttached(connection: Connection): void {
  useEffect(() => attach(connection), [connection]);
}

/** The local time in whole seconds; the component is drawn anew each second while the page is seen. */
export function useClock(clock: Clock): number {
  return useSyncExternalStore(clock.subscribe, clock.getSnapshot);
}
