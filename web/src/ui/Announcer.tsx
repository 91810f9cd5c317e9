/** The page's one polite live region: it tells of refreshes and failures, never of ticks. */

import { useSyncExternalStore } from "react";

let said = "";
let turn = 0;
const listeners = new Set<() => void>();

/** Have something read out. The same words twice are read twice. */
export function announce(text: string): void {
  turn += 1;
  // A word joiner makes a repetition a change, which alone is read.
  said = turn % 2 === 0 ? text : `${text}\u2060`;
  for (const listener of listeners) {
    listener();
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The region itself; it is there from the start, as a region that comes later is not read. */
export function Announcer() {
  const text = useSyncExternalStore(subscribe, () => said);
  return (
    <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
      {text}
    </div>
  );
}
