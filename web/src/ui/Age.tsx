/** How long ago something was, counting on by itself. */

import { useTranslations } from "use-intl";
import { formatDuration, formatTime } from "../lib/format";
import { useMoney } from "./money";
import { useAge } from "./time";

/** "12 s ago" of a moment, with the moment itself as its title. */
export function Ago({ at }: { readonly at: string | null }) {
  const t = useTranslations("sources");
  const { language } = useMoney();
  const seconds = useAge(at);
  if (at === null || seconds === null) {
    return <span>{t("never")}</span>;
  }
  return (
    <time dateTime={at} title={formatTime(language, at)}>
      {t("ago", { age: formatDuration(language, seconds) })}
    </time>
  );
}
