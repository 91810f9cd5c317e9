/** What stands where the numbers will be: before the first keys, while reading, when all failed, for an unknown version. */

import { Button } from "react-aria-components";
import { useTranslations } from "use-intl";
import { EXCHANGES } from "../exchanges";
import { type PortfolioDocument, SCHEMA_VERSION } from "../model/document";
import { command } from "./commands";
import { RefreshButton } from "./RefreshParts";

/** The first run: what to do, step by step. */
export function FirstRun() {
  const t = useTranslations("firstRun");
  return (
    <section className="card first-run" data-testid="first-run" aria-labelledby="first-run">
      <h1 id="first-run">{t("title")}</h1>
      <p>{t("lead")}</p>
      <ol>
        <li>{t("step1")}</li>
        <li>{t.rich("step2", { command: () => <code>chmod 600 .env</code> })}</li>
        <li>
          {t("step3")}
          <dl className="names">
            {EXCHANGES.map(({ name, title, settings }) => (
              <div key={name}>
                <dt>{title}</dt>
                <dd>
                  {settings.map((setting) => (
                    <code key={setting}>{setting}</code>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </li>
        <li>{t.rich("step4", { command: () => <code>{command("check")}</code> })}</li>
        <li>{t("step5")}</li>
      </ol>
      <p className="note">{t.rich("demo", { command: () => <code>make demo</code> })}</p>
    </section>
  );
}

/** The first read is under way: the shape of what comes, so that nothing jumps when it does. */
export function Loading() {
  const t = useTranslations("loading");
  return (
    <section className="loading" data-testid="loading" aria-busy="true">
      <h1 className="total-label">{t("title")}</h1>
      <p className="note">{t("text")}</p>
      <div className="skeleton skeleton-total" />
      <div className="skeleton skeleton-table" />
    </section>
  );
}

/** No account could ever be read. */
export function AllFailed({ document }: { readonly document: PortfolioDocument }) {
  const t = useTranslations("allFailed");
  return (
    <section className="card all-failed" data-testid="all-failed">
      <h1>{t("title")}</h1>
      <p>{t("text")}</p>
      <RefreshButton document={document} />
    </section>
  );
}

/** The server speaks a version that this page does not know. */
export function Unsupported({ version }: { readonly version: number }) {
  const t = useTranslations("unsupported");
  return (
    <section className="card unsupported" data-testid="unsupported" role="alert">
      <h1>{t("title")}</h1>
      <p>{t("text", { version, known: SCHEMA_VERSION })}</p>
      <Button className="button primary" onPress={() => location.reload()}>
        {t("reload")}
      </Button>
      <p className="note">{t("again")}</p>
    </section>
  );
}

interface NotFoundProps {
  readonly name: string;
  readonly portfolios: readonly string[];
}

/** There is no such portfolio: those that there are. */
export function NotFound({ name, portfolios }: NotFoundProps) {
  const t = useTranslations("notFound");
  return (
    <section className="card" data-testid="not-found">
      <h1>
        <bdi>{t("title", { name })}</bdi>
      </h1>
      <p>{t("text")}</p>
      <ul>
        {portfolios.map((one) => (
          <li key={one}>
            <a href={`?portfolio=${encodeURIComponent(one)}`}>{t("open", { name: one })}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
