/** Patience with what usually passes by itself. */

import { useEffect, useState } from "react";

/** True while a condition has held for less than so long; false once it lasts. */
export function useCalm(holds: boolean, ms: number): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    if (!holds) {
      setOver(false);
      return undefined;
    }
    const timer = setTimeout(() => setOver(true), ms);
    return () => clearTimeout(timer);
  }, [holds, ms]);
  return holds && !isOver;
}
