/** Names of controls whose values tick. */

import { useState } from "react";

/** What a control is called, and how it hears that it is being listened to. */
export interface StillName {
  readonly "aria-label": string;
  readonly onFocus: () => void;
  readonly onBlur: () => void;
}

/**
 * A name that stays as it was while its control has the focus.
 *
 * Screen readers read out every change of the focused control's name, and ticks are not to be read out. What `secrecy`
 * stands for (hidden or not) goes before: a name from before it changed must not be told after it.
 */
export function useStillName(name: string, secrecy: boolean): StillName {
  const [held, setHeld] = useState<{ readonly name: string; readonly secrecy: boolean } | null>(null);
  return {
    "aria-label": held !== null && held.secrecy === secrecy ? held.name : name,
    onFocus: () => setHeld({ name, secrecy }),
    onBlur: () => setHeld(null),
  };
}
