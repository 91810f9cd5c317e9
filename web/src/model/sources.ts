/** What is said of a source: how it stands, why, and what to do next. */

import { parseUtc } from "../live/shape";
import type { Account, PortfolioDocument, Source, SourceState } from "./document";

/** How serious a source's state is. */
export type Tone = "good" | "wait" | "bad" | "off";

const TONES: ReadonlyMap<string, Tone> = new Map([
  ["live", "good"],
  ["starting", "wait"],
  ["unavailable", "bad"],
  ["rate_limited", "wait"],
  ["refused", "bad"],
  ["unreadable", "bad"],
  ["silent", "bad"],
  ["unconfigured", "off"],
] satisfies [SourceState, Tone][]);

/** Who is told to wait longer than this before it could be read at all is kept from it: a minute's limit is usual. */
export const WAIT_MAX_MS = 60_000;

/** How serious the state is; one that this page does not know is worth a look. */
export function toneOf(source: Source, read: Account | undefined): Tone {
  return isKeptOut(source, read) ? "bad" : (TONES.get(source.state) ?? "bad");
}

/** Whether an exchange shuts a source out for so long that what was read of it becomes stale; a short wait is usual. */
function isKeptOut({ state, error }: Source, read: Account | undefined): boolean {
  if (state !== "rate_limited" || error === null) {
    return false;
  }
  const until = error.retryAt === null ? null : parseUtc(error.retryAt);
  if (error.reason === "banned" || until === null) {
    return error.reason === "banned";
  }
  const stale = (read?.wallets ?? []).flatMap(({ staleAt }) => parseUtc(staleAt) ?? []);
  const bound = stale.length > 0 ? Math.min(...stale) : (parseUtc(error.at) ?? until) + WAIT_MAX_MS;
  return until > bound;
}

/** What was read of a source. */
export function accountOf(
  { accounts }: Pick<PortfolioDocument, "accounts">,
  { exchange, account }: Source,
): Account | undefined {
  return accounts.find((one) => one.exchange === exchange && one.account === account);
}

/** When something of it was read last: the newest that its collector or its wallets say; null where nothing was. */
export function lastReadOf(source: Source, read: Account | undefined): string | null {
  // The collector says it once for each of its reports, which lag behind what its wallets have brought since.
  const said = [
    source.lastSuccessAt,
    ...source.wallets.map(({ lastSuccessAt }) => lastSuccessAt),
    ...(read?.wallets ?? []).map(({ asOf }) => asOf),
  ];
  let newest: { readonly at: string; readonly moment: number } | null = null;
  for (const at of said) {
    const moment = at === null ? null : parseUtc(at);
    if (at !== null && moment !== null && (newest === null || moment > newest.moment)) {
      newest = { at, moment };
    }
  }
  return newest?.at ?? null;
}

/** Why a source that seems silent or starting may be neither: the bus between it and us. */
export type Excuse = "bus_loading" | "bus_degraded" | "bus_failed" | "bus_back";

/** What speaks against what a source's state seems to say; null where it may be taken as it is. */
export function excuseOf(bus: PortfolioDocument["bus"], { state }: Source): Excuse | null {
  if (state !== "silent" && state !== "starting") {
    return null;
  }
  if (bus.state === "degraded" || bus.state === "failed") {
    return `bus_${bus.state}`;
  }
  if (bus.state === "loading") {
    return state === "starting" ? "bus_loading" : null;
  }
  return bus.reason !== null && state === "silent" ? "bus_back" : null;
}

/** What the page as a whole is to say before anything else. */
export type Situation = "normal" | "first_run" | "loading" | "all_failed" | "bus_away";

/**
 * Where the portfolio stands. Without keys nobody ever reports a wallet; `isSettled` says that there was time enough
 * for collectors with keys to report.
 */
export function situationOf(document: PortfolioDocument, isSettled: boolean): Situation {
  const { accounts, sources, bus, totals } = document;
  if (accounts.length > 0) {
    return "normal";
  }
  if (bus.state === "degraded" || bus.state === "failed") {
    return "bus_away";
  }
  const isReading = bus.state !== "live" || totals.reasons.some(({ kind }) => kind === "loading");
  const isKeyless = sources.every(
    ({ state, wallets }) => state === "unconfigured" || (state === "starting" && wallets.length === 0),
  );
  if (isKeyless && !isReading) {
    const isSure = sources.length > 0 && sources.every(({ state }) => state === "unconfigured");
    return isSure || isSettled ? "first_run" : "loading";
  }
  // Who was told to wait has failed as well: it may be for long, and "a few seconds" would be a lie.
  const asked = sources.filter(({ state }) => state !== "unconfigured");
  const isAllFailed = asked.length > 0 && asked.every(({ state }) => state !== "starting" && state !== "live");
  return isAllFailed ? "all_failed" : "loading";
}
