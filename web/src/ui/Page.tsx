/** Which face the page shows, around one frame that never moves. */

import { useMemo } from "react";
import { useTranslations } from "use-intl";
import type { Client } from "../api/client";
import type { ConnectionState } from "../live/state";
import type { PortfolioDocument } from "../model/document";
import { type Situation, situationOf } from "../model/sources";
import { severalIn } from "../model/tabs";
import { Banners } from "./Banner";
import { isLost, LostContext, useIsOld, useKnownAt, useShownStatus } from "./Connection";
import { Header } from "./Header";
import { SeveralContext } from "./names";
import { Portfolio } from "./Portfolio";
import { RefreshDialogs, TokenDialog, useRefresh } from "./RefreshParts";
import { RefreshResults } from "./RefreshResults";
import { EVERYTHING } from "./refresh";
import { AllFailed, FirstRun, Loading, NotFound, Unsupported } from "./Situations";
import { Sources } from "./Sources";
import { TroublesWatch } from "./Troubles";
import { useCalm } from "./useCalm";
import { usePortfolios } from "./usePortfolios";
import { useShortcut } from "./useShortcut";
import { useTitle } from "./useTitle";

/** Collectors with keys report within a second or two of their start; after this there are none. */
export const SETTLED_MS = 5_000;

interface PageProps {
  readonly state: ConnectionState;
  readonly client: Client;
  readonly portfolio: string | null;
  readonly token: string | null;
  readonly onToken: (token: string) => void;
  readonly onRetry: () => void;
}

/** The frame and what is in it. */
export function Page({ state, client, portfolio, token, onToken, onRetry }: PageProps) {
  const t = useTranslations("app");
  const status = useShownStatus(state);
  const isOld = useIsOld(state);
  const { document } = state;
  const portfolios = usePortfolios(client, token, document !== null || status === "not_found");
  useTitle(state);
  const several = useSeveral(document);
  useRefreshKey(document);
  const isUnauthorised = state.status === "unauthorised";
  return (
    <LostContext value={isLost(status)}>
      <SeveralContext value={several}>
        <TroublesWatch document={document} isOld={isOld}>
          <a className="skip" href="#content">
            {t("skip")}
          </a>
          <Header connection={state} portfolio={document?.portfolio ?? portfolio} portfolios={portfolios} />
          <main className="page" id="content" tabIndex={-1} data-old={isOld}>
            <Banners connection={state} onRetry={onRetry} />
            <RefreshResults document={document} />
            <Face state={state} client={client} token={token} portfolio={portfolio} portfolios={portfolios} />
          </main>
          <RefreshDialogs isDemo={document?.demo ?? false} />
          <TokenDialog isOpen={isUnauthorised} isWrong={token !== null} kind="read" onToken={onToken} onClose={null} />
        </TroublesWatch>
      </SeveralContext>
    </LostContext>
  );
}

/** The key that reads all accounts anew, wherever the button for it is. */
function useRefreshKey(document: PortfolioDocument | null): void {
  const [refreshing] = useRefresh();
  useShortcut("r", () => {
    const situation = document === null ? "loading" : situationOf(document, true);
    if (situation === "normal" || situation === "all_failed") {
      void refreshing.begin(EVERYTHING);
    }
  });
}

/** The very same list for as long as it names the same, so that nothing is drawn anew for it with every price. */
function useSeveral(document: PortfolioDocument | null): readonly string[] {
  const said = JSON.stringify(severalIn(document));
  return useMemo(() => JSON.parse(said) as readonly string[], [said]);
}

interface FaceProps extends Pick<PageProps, "state" | "client" | "token" | "portfolio"> {
  readonly portfolios: readonly string[];
}

function Face({ state, client, token, portfolio, portfolios }: FaceProps) {
  const { document, unsupported } = state;
  const knownAt = useKnownAt(state);
  const isUnsettled = useCalm(document !== null && document.accounts.length === 0, SETTLED_MS);
  if (unsupported !== null) {
    return <Unsupported version={unsupported.schemaVersion} />;
  }
  if (state.status === "not_found") {
    return <NotFound name={portfolio ?? ""} portfolios={portfolios} />;
  }
  if (document === null) {
    return state.status === "offline" || state.status === "unauthorised" ? null : <Loading />;
  }
  const situation = situationOf(document, !isUnsettled);
  if (situation === "normal") {
    return <Portfolio state={state} document={document} client={client} token={token} />;
  }
  return (
    <>
      <Instead situation={situation} document={document} />
      <Sources document={document} sources={document.sources} knownAt={situation === "bus_away" ? null : knownAt} />
    </>
  );
}

/** What stands where the numbers will be. While the bus is away its banner says all. */
function Instead({ situation, document }: { readonly situation: Situation; readonly document: PortfolioDocument }) {
  const t = useTranslations("app");
  switch (situation) {
    case "first_run":
      return <FirstRun />;
    case "all_failed":
      return <AllFailed document={document} />;
    case "bus_away":
      return <h1 className="visually-hidden">{t("name")}</h1>;
    default:
      return <Loading />;
  }
}
