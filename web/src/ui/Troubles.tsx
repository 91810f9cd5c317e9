/** Above the numbers: which sources fail, why, and what to do. Below them it would be out of sight. */

import { createContext, type ReactNode, useContext, useLayoutEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { PortfolioDocument } from "../model/document";
import { isIn, type Tab } from "../model/tabs";
import { type Step, Telling } from "../model/telling";
import type { Trouble } from "../model/troubles";
import { announce } from "./Announcer";
import { Icon } from "./icons";
import { useNames } from "./names";
import { NOTHING_KNOWN, useSourceWords } from "./sourceWords";

/** So many are named here; all are listed with the sources. */
const NAMED_MAX = 3;

/** What is shown of the portfolio's troubles. */
const TroublesContext = createContext<readonly Trouble[]>([]);

interface TroublesWatchProps {
  readonly document: PortfolioDocument | null;
  /** Whether the document is not of now: then nothing is told, and nothing recovers. */
  readonly isOld: boolean;
  readonly children: ReactNode;
}

/** Has each source of the portfolio that begins to fail read out, whichever tab is open, and keeps what is shown. */
export function TroublesWatch({ document, isOld, children }: TroublesWatchProps) {
  const t = useTranslations("sources");
  const { places } = useNames();
  const wordsOf = useSourceWords(document ?? NOTHING_KNOWN);
  const [telling] = useState(() => new Telling());
  const [shown, setShown] = useState<readonly Trouble[]>([]);
  const tell = useLatest(({ failing, recovered }: Step) => {
    const nameOf = ({ source, wallets }: Trouble) => places(source.exchange, source.account, wallets);
    const said = [
      ...failing.map((trouble) => `${nameOf(trouble)}: ${wordsOf(trouble.source).said}`),
      ...recovered.map((trouble) => t("readAgain", { name: nameOf(trouble) })),
    ];
    if (said.length > 0) {
      announce(said.join(" "));
    }
  });
  // Before anything is painted: a strip that comes a frame late moves what is below it.
  useLayoutEffect(() => {
    if (document === null || isOld) {
      telling.pause();
      return undefined;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      const step = telling.step(document, performance.now());
      setShown(step.shown);
      tell.current(step);
      timer = step.nextMs === null ? undefined : setTimeout(look, Math.max(1, Math.ceil(step.nextMs)));
    };
    look();
    return () => clearTimeout(timer);
  }, [telling, tell, document, isOld]);
  return <TroublesContext value={shown}>{children}</TroublesContext>;
}

/** What was given last, for those that are called later. */
function useLatest<T>(value: T) {
  const latest = useRef(value);
  useLayoutEffect(() => {
    latest.current = value;
  });
  return latest;
}

interface TroublesProps {
  readonly document: PortfolioDocument;
  readonly tab: Tab;
}

/** A strip for each failing source; none where all is well, or where the bus is what fails. */
export function Troubles({ document, tab }: TroublesProps) {
  const t = useTranslations("total");
  const { places } = useNames();
  const wordsOf = useSourceWords(document);
  const failing = useContext(TroublesContext).filter(({ source }) => isIn(tab, source));
  const more = failing.length - NAMED_MAX;
  return (
    <>
      {failing.slice(0, NAMED_MAX).map(({ source, wallets }) => {
        const { exchange, account } = source;
        const { said, mend } = wordsOf(source);
        return (
          <div
            className="banner trouble"
            key={`${exchange}/${account}/${source.error?.reason}`}
            data-testid={`trouble-${exchange}-${account}`}
          >
            <Icon name="warning" />
            <p>
              <strong>
                <bdi>{places(exchange, account, wallets)}</bdi>: {said}
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
