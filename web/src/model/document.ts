/** The shapes of the API's answers, by the names that the page uses for them. */

import type { components } from "../api/types";

type Schemas = components["schemas"];

/** `GET /api/portfolio`, and every event of its stream. */
export type PortfolioDocument = Schemas["PortfolioBody"];
/** One account that has ever been read. */
export type Account = Schemas["AccountBody"];
/** One row of one wallet. */
export type Balance = Schemas["BalanceBody"];
/** One wallet of an account. */
export type Wallet = Schemas["WalletBody"];
/** One account as its collector reports it. */
export type Source = Schemas["SourceBody"];
/** One thing a total lacks. */
export type Reason = Schemas["ReasonBody"];
/** Units of a display currency per US dollar. */
export type Rate = Schemas["RateBody"];
/** What the sum of an asset was made of. */
export type Explanation = Schemas["ExplainBody"];
/** How far a value can be trusted. */
export type Freshness = Account["status"];
/** How a collector stands. */
export type SourceState = Source["state"];

/** The major version of the document that this page understands. */
export const SCHEMA_VERSION = 1;
