import { type CSSProperties, useId, useState } from "react";
import { useTranslations } from "use-intl";
import { formatShare, type Language } from "../lib/format";
import type { Allocation, SliceRow } from "../model/allocation";
import { inkOn, OTHER_COLOR, OTHER_KEY, OTHER_MARK, PALETTE } from "../model/palette";

/** Rows of "other" and of debts that are listed. The table of assets has them all, and scrolls better. */
export const LISTED_MAX = 50;

/** A value of so many characters fits its column beside any name; longer ones are written smaller. */
const VALUE_CHARACTERS_MAX = 12;

/** And a value of more than so many is broken where there is no room: a hundred billion has as many. */
const LINE_CHARACTERS_MAX = 18;

type Props = {
  readonly allocation: Allocation;
  /** The heading of the first column: what is allocated. */
  readonly heading: string;
  readonly label: string;
  readonly language: Language;
  readonly money: (exactUsd: string) => string;
  readonly totalLabel: string;
  readonly active: string | null;
  readonly onPoint: (key: string | null) => void;
};

/** The ring as a table: the same slices, marks and numbers, and what a ring cannot show. */
export function AllocationTable(props: Props) {
  const { allocation, heading, label, money, totalLabel, language, onPoint } = props;
  const t = useTranslations("allocation");
  const total = allocation.totalUsd;
  return (
    <table className="allocation-table" aria-label={label} onPointerLeave={() => onPoint(null)}>
      <thead>
        <tr>
          <th scope="col">{heading}</th>
          <th scope="col">{t("value")}</th>
          <th scope="col">{t("share")}</th>
        </tr>
      </thead>
      <tbody>
        {allocation.drawn.map((row, index) => (
          <Row
            key={row.key}
            {...props}
            row={row}
            pointKey={row.key}
            swatch={<Swatch color={PALETTE[row.color]} text={`${index + 1}`} />}
          />
        ))}
      </tbody>
      {allocation.other !== null && <OtherRows {...props} />}
      {allocation.debts.length > 0 && <DebtRows {...props} />}
      <tfoot>
        <tr>
          <th scope="row">{totalLabel}</th>
          <Value text={money(total)} />
          <td>{formatShare(language, total === "0" ? null : 1)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

function OtherRows(props: Props) {
  const t = useTranslations("allocation");
  const { other } = props.allocation;
  const [open, setOpen] = useState(false);
  const rows = useId();
  if (other === null) {
    return null;
  }
  return (
    <>
      <tbody>
        <tr data-active={props.active === OTHER_KEY || undefined} onPointerEnter={() => props.onPoint(OTHER_KEY)}>
          <th scope="row">
            <span className="allocation-name">
              <Swatch color={OTHER_COLOR} text={OTHER_MARK} />
              <button type="button" aria-expanded={open} aria-controls={rows} onClick={() => setOpen(!open)}>
                {t("other", { count: other.rows.length })}
              </button>
            </span>
          </th>
          <Value text={props.money(other.valueUsd)} />
          <td>{formatShare(props.language, other.share)}</td>
        </tr>
      </tbody>
      <tbody id={rows} hidden={!open} className="allocation-folded">
        {open && <ListedRows {...props} rows={other.rows} pointKey={OTHER_KEY} swatch={<Swatch text="" />} />}
      </tbody>
    </>
  );
}

function DebtRows(props: Props) {
  const t = useTranslations("allocation");
  return (
    <tbody className="allocation-debts">
      <tr>
        <th scope="rowgroup" colSpan={3}>
          {t("debts")}
        </th>
      </tr>
      <ListedRows {...props} rows={props.allocation.debts} pointKey={null} swatch={<Swatch text={"\u2212"} />} />
    </tbody>
  );
}

type ListedProps = Props & {
  readonly rows: readonly SliceRow[];
  readonly pointKey: string | null;
  readonly swatch: React.ReactNode;
};

/** As many rows as are listed, and how many more there are. */
function ListedRows({ rows, ...rest }: ListedProps) {
  const t = useTranslations("allocation");
  return (
    <>
      {rows.slice(0, LISTED_MAX).map((row) => (
        <Row key={row.key} {...rest} row={row} />
      ))}
      {rows.length > LISTED_MAX && (
        <tr className="allocation-more">
          <td colSpan={3}>{t("more", { count: rows.length - LISTED_MAX })}</td>
        </tr>
      )}
    </>
  );
}

type RowProps = Omit<ListedProps, "rows"> & { readonly row: SliceRow };

function Row({ row, pointKey, swatch, money, language, active, onPoint }: RowProps) {
  const isActive = pointKey !== null && active === pointKey;
  return (
    <tr data-active={isActive || undefined} onPointerEnter={() => onPoint(pointKey)}>
      <th scope="row">
        <span className="allocation-name">
          {swatch}
          <bdi>{row.label}</bdi>
        </span>
      </th>
      <Value text={money(row.valueUsd)} />
      <td>{formatShare(language, row.share)}</td>
    </tr>
  );
}

function Value({ text }: { readonly text: string }) {
  const { length } = text;
  const name = length > LINE_CHARACTERS_MAX ? "long breaks" : length > VALUE_CHARACTERS_MAX ? "long" : undefined;
  return <td className={name}>{text}</td>;
}

/** The colour and the mark of a slice; without a colour an empty place, so that names stay in line. */
function Swatch({ color, text }: { readonly color?: string | undefined; readonly text: string }) {
  // Set through the style object, which the content policy allows.
  const style: CSSProperties | undefined = color === undefined ? undefined : { background: color, color: inkOn(color) };
  return (
    <span className="allocation-swatch" aria-hidden="true" style={style}>
      {text}
    </span>
  );
}
