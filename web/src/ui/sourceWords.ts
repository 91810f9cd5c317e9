/** Why a source fails and what to do about it, in the words of the page's language. */

import { useTranslations } from "use-intl";
import { MESSAGES } from "../i18n/messages";
import type { PortfolioDocument, Source } from "../model/document";
import { accountOf, excuseOf, lastReadOf } from "../model/sources";

/** The states that the page has words for. */
export const STATES = [
  "starting",
  "live",
  "unavailable",
  "rate_limited",
  "refused",
  "unreadable",
  "silent",
  "unconfigured",
] as const;

const REASONS = Object.keys(MESSAGES.en.cause) as (keyof typeof MESSAGES.en.cause)[];

/** One of the words that this page knows, or undefined: a newer server may say others. */
export function known<T extends string>(words: readonly T[], word: unknown): T | undefined {
  return words.find((one) => one === word);
}

/** What is said of a source; an empty text where there is nothing to say. */
export interface SourceWords {
  readonly state: string;
  /** As a sentence: the cause, or where none is known the state. */
  readonly said: string;
  readonly cause: string;
  readonly mend: string;
}

/** The sentence for what failed, in one word of the API; empty where there is none. */
export function useCause(): (reason: unknown) => string {
  const cause = useTranslations("cause");
  return (reason) => {
    const why = known(REASONS, reason);
    return why === undefined ? "" : cause(why);
  };
}

/** What is retried by itself; only where something was ever read are there values to keep. */
const KEEPS: readonly unknown[] = ["timeout", "trouble", "unavailable"];

type Known = Pick<PortfolioDocument, "accounts" | "bus">;

/** What is known before there is a document. */
export const NOTHING_KNOWN: Known = { accounts: [], bus: { state: "live", since: null, reason: null } };

/** The words for each source of a document. While the bus is away, no collector is blamed for its silence. */
export function useSourceWords({ accounts, bus }: Known): (source: Source) => SourceWords {
  const t = useTranslations("sources");
  const cause = useTranslations("cause");
  const causeDo = useTranslations("causeDo");
  return (source) => {
    const state = known(STATES, source.state);
    const word = state === undefined ? source.state : t(`state_${state}`);
    const unknown = { state: word, said: `${word}.`, cause: "" };
    const excuse = excuseOf(bus, source);
    if (excuse !== null) {
      return { ...unknown, mend: t(`do_${excuse}`) };
    }
    const isKept = lastReadOf(source, accountOf({ accounts }, source)) !== null;
    const kept = (word: unknown, mend: string) => (isKept && KEEPS.includes(word) ? `${mend} ${t("kept")}` : mend);
    const why = source.state === "live" ? undefined : known(REASONS, source.error?.reason);
    if (why !== undefined) {
      return { state: word, said: cause(why), cause: cause(why), mend: kept(why, causeDo(why)) };
    }
    return { ...unknown, mend: state === undefined || state === "live" ? "" : kept(state, t(`do_${state}`)) };
  };
}
