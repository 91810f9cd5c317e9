/** The tab's title has the total, for whoever keeps the page in the background. */

import { useEffect, useRef } from "react";
import { useTranslations } from "use-intl";
import { isCurrent } from "../live/shown";
import type { ConnectionState } from "../live/state";
import { useMoney } from "./money";

/**
 * While the page itself is seen its title is written at most so often: nobody reads the total there, and a browser
 * draws its frame anew for every title, which costs as much as the page's own update.
 */
export const TITLE_MS = 10_000;

/** Keep the title; it never has a total while amounts are hidden or old. */
export function useTitle(state: ConnectionState): void {
  const t = useTranslations("app");
  const money = useMoney();
  const written = useRef({ kind: "", at: 0 });
  const exact = state.document?.totals.totalUsdExact ?? null;
  const isShown = exact !== null && !money.hidden && money.perUsd !== null && isCurrent(state);
  const demo = state.document?.demo ? " · Demo" : "";
  const title = `${isShown ? t("title", { total: money.value(exact) }) : t("titleUnknown")}${demo} · ${t("name")}`;
  // What else than the amount changes is never late: above all that it is to be hidden.
  const kind = isShown ? `${money.language} ${money.currency}${demo}` : title;
  useEffect(() => {
    const write = () => {
      document.title = title;
      written.current = { kind, at: performance.now() };
    };
    const { current } = written;
    const wait = current.kind === kind && !document.hidden ? current.at + TITLE_MS - performance.now() : 0;
    if (wait <= 0) {
      write();
      return undefined;
    }
    const timer = setTimeout(write, wait);
    document.addEventListener("visibilitychange", write);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", write);
    };
  }, [title, kind]);
}
