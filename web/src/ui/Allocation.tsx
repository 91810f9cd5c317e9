import { memo, useId, useMemo, useState } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { useTranslations } from "use-intl";
import type { Slice } from "../charts/types";
import { formatShare, type Language } from "../lib/format";
import {
  type AllocationMemory,
  allocate,
  type Allocation as Laid,
  NOTHING_DRAWN,
  type SliceRow,
} from "../model/allocation";
import { inkOn, OTHER_COLOR, OTHER_KEY, OTHER_MARK, PALETTE } from "../model/palette";
import { AllocationDonut } from "./AllocationDonut";
import { AllocationTable } from "./AllocationTable";
import "../styles/allocation.css";

const VIEWS = ["asset", "exchange", "wallet"] as const;

/** What stands where a number is not known. */
const UNKNOWN = "–";

type View = (typeof VIEWS)[number];

/** What the allocation is shown of. `money` writes an exact amount of dollars as the page does, masked when hidden. */
export type AllocationProps = {
  readonly groups: Readonly<Record<View, readonly SliceRow[]>>;
  readonly language: Language;
  readonly money: (exactUsd: string) => string;
  readonly hidden: boolean;
  /** What the sum of it all is called; it stands in the ring and under the table. */
  readonly totalLabel: string;
  /** Nothing of it was ever read: its sum is unknown, and not 0. */
  readonly isUnread?: boolean;
};

const NEVER_DRAWN: Readonly<Record<View, AllocationMemory>> = {
  asset: NOTHING_DRAWN,
  exchange: NOTHING_DRAWN,
  wallet: NOTHING_DRAWN,
};

/** How the value divides among assets, exchanges or wallets: a ring, and the table that says the same. */
export function Allocation({ groups, language, money, hidden, totalLabel, isUnread = false }: AllocationProps) {
  const t = useTranslations("allocation");
  const heading = useId();
  const [view, setView] = useState<View>("asset");
  const [active, setActive] = useState<string | null>(null);
  const allocation = useAllocation(groups, view);
  const otherLabel = allocation.other === null ? "" : t("other", { count: allocation.other.rows.length });
  const slices = useMemo(
    () =>
      slicesOf(allocation, otherLabel, (usd, share) =>
        detailOf(hidden ? null : money(usd), formatShare(language, share)),
      ),
    [allocation, otherLabel, hidden, money, language],
  );
  const isEmpty = groups[view].length === 0;

  return (
    <section className="allocation" aria-labelledby={heading}>
      <header className="allocation-header">
        <h2 id={heading}>{t("title")}</h2>
        <Views view={view} onView={setView} />
      </header>
      <div className="allocation-body">
        <AllocationDonut
          slices={slices}
          active={active}
          onPoint={setActive}
          totalLabel={totalLabel}
          total={isUnread ? UNKNOWN : money(allocation.totalUsd)}
        />
        {isEmpty ? (
          <p className="allocation-empty">{t("empty")}</p>
        ) : (
          <AllocationTable
            key={view}
            allocation={allocation}
            heading={t(view)}
            label={`${t("view")}: ${t(view)}`}
            language={language}
            money={money}
            totalLabel={totalLabel}
            active={active}
            onPoint={setActive}
          />
        )}
      </div>
    </section>
  );
}

type ViewsProps = { readonly view: View; readonly onView: (view: View) => void };

/** Which list is shown. Drawn again only when that changes, not with every price. */
const Views = memo(function Views({ view, onView }: ViewsProps) {
  const t = useTranslations("allocation");
  return (
    <ToggleButtonGroup
      className="segments"
      aria-label={t("view")}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[view]}
      onSelectionChange={(keys) => onView(VIEWS.find((name) => keys.has(name)) ?? view)}
    >
      {VIEWS.map((name) => (
        <ToggleButton className="segment" key={name} id={name}>
          {t(name)}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
});

/** Lays out the chosen list, remembering for each list what was drawn and in which colours. */
function useAllocation(groups: AllocationProps["groups"], view: View): Laid {
  const [memories, setMemories] = useState(NEVER_DRAWN);
  const { allocation, memory } = useMemo(() => allocate(groups[view], memories[view]), [groups, view, memories]);
  if (memory !== memories[view]) {
    // Laid out again with its own memory a list stays as it is, so this settles at once.
    setMemories({ ...memories, [view]: memory });
  }
  return allocation;
}

function detailOf(amount: string | null, share: string): string {
  return amount === null ? share : `${amount} · ${share}`;
}

function slicesOf(
  { drawn, other }: Laid,
  otherLabel: string,
  detail: (exactUsd: string, share: number) => string,
): readonly Slice[] {
  const slices: Slice[] = drawn.map((row, index) => {
    const color = PALETTE[row.color] ?? OTHER_COLOR;
    const { key, label, part } = row;
    return {
      key,
      label,
      detail: detail(row.valueUsd, row.share),
      part,
      color,
      ink: inkOn(color),
      mark: `${index + 1}`,
    };
  });
  if (other !== null) {
    slices.push({
      key: OTHER_KEY,
      label: otherLabel,
      detail: detail(other.valueUsd, other.share),
      part: other.part,
      color: OTHER_COLOR,
      ink: inkOn(OTHER_COLOR),
      mark: OTHER_MARK,
    });
  }
  return slices;
}
