/** Above the numbers: which sources fail, why, and what to do. Below them it would be out of sight. */

import { useEffect, useRef } from "react";
import { useTranslations } from "use-intl";
import type { PortfolioDocument, Source } from "../model/document";
import { excuseOf, toneOf } from "../model/sources";
import { announce } from "./Announcer";
import { Icon } from "./icons";
import { useNames } from "./names";
import { useSourceWords } from "./sourceWords";

/** So many are named here; all are listed with the sources. */
const NAMED_MAX = 3;

interface TroublesProps {
  readonly bus: PortfolioDocument["bus"];
  readonly sources: readonly Source[];
}

/** Has each source of the portfolio that begins to fail read out, whichever tab is open. */
export function TroublesTold({ bus, sources }: TroublesProps): null {
  const { account: nameOf } = useNames();
  const wordsOf = useSourceWords(bus);
  useTold(
    failingOf(bus, sources).map((source) => {
      const { state, cause } = wordsOf(source);
      return `${nameOf(source.exchange, source.account)}: ${cause === "" ? state : cause}`;
    }),
  );
  return null;
}

function failingOf(bus: PortfolioDocument["bus"], sources: readonly Source[]): Source[] {
  return sources.filter((source) => toneOf(source) === "bad" && excuseOf(bus, source) === null);
}

/** Has each new trouble read out once. Those that are there when the page is opened stand in it, and are read with it. */
function useTold(troubles: readonly string[]): void {
  const known = useRef<ReadonlySet<string> | null>(null);
  const all = troubles.join("\n");
  useEffect(() => {
    const now = all === "" ? [] : all.split("\n");
    const fresh = now.filter((trouble) => known.current !== null && !known.current.has(trouble));
    known.current = new Set(now);
    if (fresh.length > 0) {
      announce(fresh.join(" "));
    }
  }, [all]);
}

/** A strip for each failing source; none where all is well, or where the bus is what fails. */
export function Troubles({ bus, sources }: TroublesProps) {
  const t = useTranslations("total");
  const { account: nameOf } = useNames();
  const wordsOf = useSourceWords(bus);
  const failing = failingOf(bus, sources);
  const more = failing.length - NAMED_MAX;
  return (
    <>
      {failing.slice(0, NAMED_MAX).map((source) => {
        const { exchange, account } = source;
        const { state, cause, mend } = wordsOf(source);
        return (
          <div className="banner trouble" key={`${exchange}/${account}`} data-testid={`trouble-${exchange}-${account}`}>
            <Icon name="warning" />
            <p>
              <strong>
                <bdi>{nameOf(exchange, account)}</bdi>: {cause === "" ? state : cause}
              </strong>{" "}
              {mend}
            </p>
          </div>
        );
      })}
      {more > 0 ? <p className="note">{t("more", { count: more })}</p> : null}
    </>
  );
}
