/** The page as a whole: language, money, connection, and which of its faces is due. */

import { type ReactNode, useCallback, useMemo, useState } from "react";
import { I18nProvider } from "react-aria-components";
import { IntlProvider } from "use-intl";
import type { Client } from "../api/client";
import { MESSAGES } from "../i18n/messages";
import { LOCALES } from "../lib/language";
import { TIME_ZONE } from "../lib/time";
import type { Clock } from "../live/clock";
import type { Connection } from "../live/connection";
import { useAttached, useConnection } from "../live/useConnection";
import { Announcer } from "./Announcer";
import { Boundary } from "./Boundary";
import { MoneyContext, moneyOf } from "./money";
import { Page } from "./Page";
import { usePreferences } from "./preferences";
import { RefreshContext } from "./RefreshParts";
import { Refreshing } from "./refresh";
import { TimeContext } from "./time";
import { IsUpContext } from "./usePortfolios";

interface AppProps {
  readonly connection: Connection;
  readonly client: Client;
  readonly clock: Clock;
  readonly portfolio: string | null;
}

/** Provides everything that parts of the page ask for, and shows it. */
export function App({ connection, client, clock, portfolio }: AppProps) {
  useAttached(connection);
  const state = useConnection(connection);
  const { language, currency, hidden } = usePreferences();
  const rate = state.document?.rates.find((one) => one.currency === currency)?.perUsd;
  const perUsd = currency === "USD" ? "1" : (rate ?? null);
  const money = useMemo(() => moneyOf(language, currency, hidden, perUsd), [language, currency, hidden, perUsd]);
  const { serverSkewMs } = state;
  const time = useMemo(() => ({ clock, serverSkewMs }), [clock, serverSkewMs]);
  const refreshing = useMemo(
    () => new Refreshing(client, portfolio, () => connection.getSnapshot().document),
    [client, portfolio, connection],
  );
  const [token, setToken] = useState<string | null>(null);
  const giveToken = useCallback(
    (given: string) => {
      // Copied text often brings spaces along, and no token has any.
      const trimmed = given.trim();
      setToken(trimmed);
      // Directly: the same token given again changes nothing here, and is still to be tried again.
      connection.setToken(trimmed);
    },
    [connection],
  );
  return (
    <Words language={language}>
      <MoneyContext value={money}>
        <TimeContext value={time}>
          <RefreshContext value={refreshing}>
            <IsUpContext value={state.status === "live" || state.status === "polling"}>
              <Announcer />
              <Boundary>
                <Page
                  state={state}
                  client={client}
                  portfolio={portfolio}
                  token={token}
                  onToken={giveToken}
                  onRetry={() => connection.wake()}
                />
              </Boundary>
            </IsUpContext>
          </RefreshContext>
        </TimeContext>
      </MoneyContext>
    </Words>
  );
}

function Words({ language, children }: { readonly language: "tr" | "en"; readonly children: ReactNode }) {
  return (
    <IntlProvider locale={language} messages={MESSAGES[language]} timeZone={TIME_ZONE}>
      <I18nProvider locale={LOCALES[language]}>{children}</I18nProvider>
    </IntlProvider>
  );
}
