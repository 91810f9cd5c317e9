/** Ages on the page: one clock for all, corrected by how far the server's is off. */

import { createContext, useContext } from "react";
import { ageOf, Clock, isStaleAt } from "../live/clock";
import { useClock } from "../live/useConnection";

/** The page's clock and the server's offset. */
export interface Time {
  readonly clock: Clock;
  readonly serverSkewMs: number;
}

/** The time that is in force. */
export const TimeContext = createContext<Time>({ clock: new Clock(), serverSkewMs: 0 });

/** Seconds since a moment, counting on; null where there is no moment. */
export function useAge(at: string | null): number | null {
  const { clock, serverSkewMs } = useContext(TimeContext);
  const now = useClock(clock);
  return at === null ? null : ageOf(at, { serverSkewMs }, now);
}

/** Whether the moment after which something counts as stale has come; looked at each second. */
export function useIsPast(moments: readonly string[]): boolean {
  const { clock, serverSkewMs } = useContext(TimeContext);
  const now = useClock(clock);
  return moments.some((moment) => isStaleAt(moment, { serverSkewMs }, now));
}

/** Whole seconds until a moment, counting down to 0; null where there is no moment. */
export function useSecondsUntil(at: string | null): number | null {
  const { clock, serverSkewMs } = useContext(TimeContext);
  const now = useClock(clock);
  const then = at === null ? Number.NaN : Date.parse(at);
  return Number.isNaN(then) ? null : Math.max(0, Math.ceil((then - now - serverSkewMs) / 1_000));
}

/** Whole seconds from now until a moment of this machine's own clock, at least one: what waits for it is not there yet. */
export function useSecondsTo(localMs: number): number {
  const { clock } = useContext(TimeContext);
  // The clock shows the last whole second, so the rest of the first one is not counted.
  return Math.max(1, Math.floor((localMs - useClock(clock)) / 1_000));
}
