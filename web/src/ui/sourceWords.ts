/** Why a source fails and what to do about it, in the words of the page's language. */

import { useTranslations } from "use-intl";
import { MESSAGES } from "../i18n/messages";
import type { PortfolioDocument, Source } from "../model/document";
import { excuseOf } from "../model/sources";

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
  readonly cause: string;
  readonly mend: string;
}

/** The words for each source of a document. While the bus is away, no collector is blamed for its silence. */
export function useSourceWords(bus: PortfolioDocument["bus"]): (source: Source) => SourceWords {
  const t = useTranslations("sources");
  const cause = useTranslations("cause");
  const causeDo = useTranslations("causeDo");
  return (source) => {
    const state = known(STATES, source.state);
    const word = state === undefined ? source.state : t(`state_${state}`);
    const excuse = excuseOf(bus, source);
    if (excuse !== null) {
      return { state: word, cause: "", mend: t(`do_${excuse}`) };
    }
    const why = source.state === "live" ? undefined : known(REASONS, source.error?.reason);
    if (why !== undefined) {
      return { state: word, cause: cause(why), mend: causeDo(why) };
    }
    return { state: word, cause: "", mend: state === undefined || state === "live" ? "" : t(`do_${state}`) };
  };
}
