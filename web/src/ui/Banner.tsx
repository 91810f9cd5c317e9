/** What a person must know before reading any number: no connection, no bus, an answer that cannot be read. */

import type { ReactNode } from "react";
import { Button } from "react-aria-components";
import { useTranslations } from "use-intl";
import { formatTime } from "../lib/format";
import { blameOf } from "../live/shown";
import type { ConnectionState } from "../live/state";
import { isLost, useKnownAt, useShownStatus } from "./Connection";
import { Icon } from "./icons";
import { useMoney } from "./money";

interface BannerProps {
  readonly connection: ConnectionState;
  readonly onRetry: () => void;
}

/** The banners that are due; most of the time none. */
export function Banners({ connection, onRetry }: BannerProps) {
  return (
    <>
      <LostBanner connection={connection} onRetry={onRetry} />
      <BusBanner connection={connection} />
    </>
  );
}

function LostBanner({ connection, onRetry }: BannerProps) {
  const t = useTranslations("connection");
  const { language } = useMoney();
  const status = useShownStatus(connection);
  const knownAt = useKnownAt(connection);
  if (!isLost(status) || status === "unauthorised") {
    return null;
  }
  const { document, lastErrorKind, lastError } = connection;
  const time = formatTime(language, knownAt);
  const blame = blameOf(lastErrorKind);
  const isGone = blame === "unreachable";
  return (
    <Banner tone="bad" testId="banner-lost">
      <p>
        <strong>
          {!isGone ? t(`why.${blame}`) : document === null ? t("lostNever") : t("lost", { time })}
          {isGone || document === null ? null : ` ${t("known", { time })}`}
        </strong>{" "}
        {t(isGone ? "lostDo" : "again")}
        {lastError === null || isGone || blame === "starting" ? null : (
          <span className="said" lang="en">
            {lastError}
          </span>
        )}
      </p>
      <Button className="button" onPress={onRetry}>
        {t("retry")}
      </Button>
    </Banner>
  );
}

function BusBanner({ connection }: { readonly connection: ConnectionState }) {
  const t = useTranslations("bus");
  const { language } = useMoney();
  const document = connection.document;
  if (document === null || (document.bus.state !== "degraded" && document.bus.state !== "failed")) {
    return null;
  }
  const { state, since, reason } = document.bus;
  return (
    <Banner tone="bad" testId="banner-bus">
      <p>
        <strong>{t(state, { time: formatTime(language, since) })}</strong>{" "}
        {t(document.updatedAt === null ? "unknown" : "known")}
        {reason === null ? null : (
          <span className="said" lang="en">
            {reason}
          </span>
        )}
      </p>
    </Banner>
  );
}

interface BannerBodyProps {
  readonly tone: "bad" | "info";
  readonly testId: string;
  readonly children: ReactNode;
}

/** A strip across the page. */
export function Banner({ tone, testId, children }: BannerBodyProps) {
  return (
    <div className={`banner ${tone}`} data-testid={testId}>
      <Icon name={tone === "bad" ? "warning" : "info"} />
      {children}
    </div>
  );
}
