/** The times and sizes of the live connection. Nobody needs to tune them; tests make them small. */

/** All bounds of a connection; times are milliseconds. */
export interface Limits {
  readonly connectMs: number;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly firstDocumentMs: number;
  readonly steadyMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  readonly streamTriesMax: number;
  readonly pollMs: number;
  readonly pollBackoffFirstMs: number;
  readonly streamAgainMs: number;
  readonly watchMs: number;
  readonly sleepMs: number;
  readonly wakeMs: number;
  readonly frameMs: number;
  readonly retryAfterMaxMs: number;
  readonly unreadMs: number;
  readonly missingMs: number;
  readonly documentLengthMax: number;
}

/** The bounds of the real page. */
export const LIMITS: Limits = {
  // A server that accepts and says nothing for so long will not say anything.
  connectMs: 10_000,
  // The api pings every 15 seconds; after that and a slow network's share a stream is suspected, but only where there
  // is a reason to look: after sleep, or when the network came back.
  heartbeatMs: 20_000,
  // Two heartbeats missed, and five seconds for a slow network: the connection is dead.
  silenceMs: 35_000,
  // Heartbeats alone are no state. A large one may take long over a poor network, so there is more time for it.
  firstDocumentMs: 60_000,
  // A stream that lived so long was a good one: its loss counts for nothing, and the next is tried at once. One that
  // dies younger counts as a failed try, so that a server that hangs up after each event is not asked in a tight loop.
  steadyMs: 10_000,
  backoffFirstMs: 1_000,
  backoffMaxMs: 15_000,
  // After so many tries something on the way may not let streams through; then states are asked for one by one.
  streamTriesMax: 3,
  pollMs: 5_000,
  pollBackoffFirstMs: 2_000,
  streamAgainMs: 30_000,
  // How often it is looked whether the machine slept or a stream died: for so long old values may look current. The
  // ages on the page count by the second too, so this costs nothing beside them.
  watchMs: 1_000,
  // A timer that is so late was not late: the machine slept, or the page was frozen.
  sleepMs: 10_000,
  // Several signs of waking come together (network, page, timer); they are one.
  wakeMs: 1_000,
  // One screen frame: nobody sees more states than this.
  frameMs: 16,
  // A server may ask for patience, not for a page that is dead for a day.
  retryAfterMaxMs: 120_000,
  // An api that was started anew reads its state within seconds; after this an empty one is its true answer.
  unreadMs: 30_000,
  // A portfolio that was there a moment ago is missing because the api was started anew; after this it is gone.
  missingMs: 60_000,
  // Characters. 5 000 holdings are about 2 million; what is much larger is no portfolio and would fill the memory.
  documentLengthMax: 32 * 1024 * 1024,
};

/** Timers that a test may turn by hand. */
export interface Timers {
  set(callback: () => void, milliseconds: number): unknown;
  clear(handle: unknown): void;
}

/** The timers of the platform. */
export const TIMERS: Timers = {
  set: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clear: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

/** How long to wait after so many failures in a row: twice as long each time, to a bound, and never all at once. */
export function backoffMs(failures: number, firstMs: number, maxMs: number, random: () => number): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.max(0, Math.min(failures, 30) - 1));
  // Between half and all of it: pages that lost the same server do not come back in the same moment.
  return whole * (0.5 + 0.5 * random());
}
