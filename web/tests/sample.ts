/** A whole document as a real API sent it. */

import { readFileSync } from "node:fs";
import type { PortfolioDocument } from "../src/model/document";

/** Binance and BTCTurk of the demo, with mirrored, unpriced and locked holdings. */
export const sample = JSON.parse(
  readFileSync(new URL("live/sample.json", import.meta.url), "utf8"),
) as PortfolioDocument;
