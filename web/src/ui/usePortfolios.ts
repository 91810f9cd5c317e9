/** Which portfolios there are: asked once, when there is something to ask, and again with another token. */

import { useEffect, useState } from "react";
import type { Client } from "../api/client";

/** Their names; empty until they are known, and where they cannot be asked. */
export function usePortfolios(client: Client, token: string | null, isDue: boolean): readonly string[] {
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => {
    if (!isDue) {
      return undefined;
    }
    let isLeft = false;
    void client.portfolios(token).then((result) => {
      if (result.ok && !isLeft) {
        setNames(result.value.portfolios);
      }
    });
    return () => {
      isLeft = true;
    };
  }, [client, token, isDue]);
  return names;
}
