/** A number that shows, when it is clicked, what it is made of. */

import { useMemo } from "react";
import { useTranslations } from "use-intl";
import { visible } from "../lib/visible";
import type { Place } from "../model/explaining";
import type { ExplainAsset } from "./Holdings";
import { useMoney } from "./money";
import { useStillName } from "./useStillName";

/** A number of so many characters fits its column; longer ones are written smaller, and broken where they must be. */
const FITTING = 13;

/** What a number is marked with besides its place: nothing, or that it is too long for its column. */
export function lengthClass(text: string): "" | " long" {
  return text.length > FITTING ? " long" : "";
}

interface ValueButtonProps {
  readonly asset: string;
  readonly text: string;
  readonly tone: "" | " plain";
  /** Where what is explained lies; without it, wherever it does. */
  readonly place?: Place | null;
  readonly onExplain: ExplainAsset;
}

/** The number as a button. */
export function ValueButton({ asset, text, tone, place = null, onExplain }: ValueButtonProps) {
  const t = useTranslations("table");
  const { hidden } = useMoney();
  const explain = useMemo(() => t("explain", { asset: visible(asset) }), [t, asset]);
  const name = useStillName(`${text}. ${explain}`, hidden);
  return (
    <button
      type="button"
      className={`explain${tone}${lengthClass(text)}`}
      {...name}
      onClick={() => onExplain(asset, place)}
    >
      {text}
    </button>
  );
}
