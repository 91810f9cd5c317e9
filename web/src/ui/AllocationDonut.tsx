import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { DonutHandle, Slice } from "../charts/types";

type Props = {
  readonly slices: readonly Slice[];
  /** The key of the slice that is set off, or null. */
  readonly active: string | null;
  /** Told the key that the pointer is on. It must be the same function on every render. */
  readonly onPoint: (key: string | null) => void;
  readonly totalLabel: string;
  readonly total: string;
};

type Load = "loading" | "ready" | "failed";

/** The ring, in a box that has its size before the chart code is there and keeps it when that never comes. */
export function AllocationDonut({ slices, active, onPoint, totalLabel, total }: Props) {
  const t = useTranslations("allocation");
  const { host, donut, load, retry } = useDonut(onPoint);

  useEffect(() => donut?.update(slices), [donut, slices]);
  useEffect(() => donut?.highlight(active), [donut, active]);

  return (
    <div className="allocation-ring" data-load={load}>
      <div className="allocation-ring-picture" aria-hidden="true">
        <div className="allocation-ring-host" ref={host} />
        {load !== "failed" && (
          <p className="allocation-ring-total">
            <span>{totalLabel}</span>
            <strong>{total}</strong>
          </p>
        )}
      </div>
      {load === "failed" && (
        <div className="allocation-ring-failed">
          <p>{t("chartFailed")}</p>
          <button type="button" onClick={retry}>
            {t("chartRetry")}
          </button>
        </div>
      )}
    </div>
  );
}

/** Loads the chart code, draws into `host` and follows its size; `retry` loads again after a failure. */
function useDonut(onPoint: (key: string | null) => void) {
  const host = useRef<HTMLDivElement>(null);
  const [donut, setDonut] = useState<DonutHandle | null>(null);
  const [load, setLoad] = useState<Load>("loading");
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt is the reason to load again.
  useEffect(() => {
    const element = host.current;
    if (element === null) {
      return;
    }
    let gone = false;
    let mounted: DonutHandle | undefined;
    const sizes = new ResizeObserver(() => mounted?.resize());
    import("../charts/donut").then(
      ({ mountDonut }) => {
        if (gone) {
          return;
        }
        mounted = mountDonut(element, { onPoint });
        sizes.observe(element);
        setDonut(mounted);
        setLoad("ready");
      },
      () => {
        if (!gone) {
          setLoad("failed");
        }
      },
    );
    return () => {
      gone = true;
      sizes.disconnect();
      mounted?.dispose();
      setDonut(null);
    };
  }, [onPoint, attempt]);

  const retry = useCallback(() => {
    setLoad("loading");
    setAttempt((before) => before + 1);
  }, []);
  return { host, donut, load, retry };
}
