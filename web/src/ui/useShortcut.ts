/** Keys that work anywhere on the page, but never while somebody types. */

import { useEffect, useRef } from "react";

/** Fields that take no letters: a key pressed in them is meant for the page. */
const UNTYPED: readonly string[] = ["checkbox", "radio"];

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) {
    return !UNTYPED.includes(target.type);
  }
  return target instanceof HTMLElement && (target.isContentEditable || ["SELECT", "TEXTAREA"].includes(target.tagName));
}

/** Call `act` when the key is pressed alone, outside of fields and dialogs. */
export function useShortcut(key: string, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isPlain = !(event.ctrlKey || event.metaKey || event.altKey || event.repeat);
      if (event.key === key && isPlain && !isTyping(event.target) && document.querySelector("[role=dialog]") === null) {
        event.preventDefault();
        latest.current();
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [key]);
}
