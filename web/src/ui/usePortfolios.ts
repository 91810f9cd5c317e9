/** Which portfolios there are, for the components that offer a choice of them. */

import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import type { Client } from "../api/client";
import { Portfolios } from "../live/portfolios";

/** Whether the server answers just now: when it does so again, what could not be asked is asked again. */
export const IsUpContext = createContext(false);

/** Their names; empty until they are known, and where they cannot be asked. */
export function usePortfolios(client: Client, token: string | null, isDue: boolean): readonly string[] {
  const isUp = useContext(IsUpContext);
  const portfolios = useMemo(() => new Portfolios(client), [client]);
  useEffect(() => portfolios.tell({ token, isDue, isUp }), [portfolios, token, isDue, isUp]);
  // After the one above: what a stop forgot is told again when the component comes back.
  useEffect(() => () => portfolios.stop(), [portfolios]);
  return useSyncExternalStore(portfolios.subscribe, portfolios.getSnapshot);
}
