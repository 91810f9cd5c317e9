/**
 * The exchanges that this page knows by name: their titles, and what a first key needs. One that is not here is shown
 * as the data calls it.
 */

/** What the page says of an exchange before any data is there. */
export interface KnownExchange {
  readonly name: string;
  readonly title: string;
  /** The settings that an account needs, as `.env.template` has them. */
  readonly settings: readonly string[];
}

/** All of them, in the order of the tabs. */
export const EXCHANGES: readonly KnownExchange[] = [
  { name: "binance", title: "Binance", settings: ["BINANCE_API_KEY", "BINANCE_API_SECRET"] },
  { name: "btcturk", title: "BTCTurk", settings: ["BTCTURK_API_KEY", "BTCTURK_API_SECRET_BASE64"] },
];

const TITLES: ReadonlyMap<string, string> = new Map(EXCHANGES.map(({ name, title }) => [name, title]));

/** An exchange as it writes itself. */
export function exchangeTitle(exchange: string): string {
  return TITLES.get(exchange) ?? exchange;
}
