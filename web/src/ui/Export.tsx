/** Saves what is shown, or everything, as a CSV file that spreadsheets open rightly, Turkish ones too. */

import { useState } from "react";
import { Button, DialogTrigger, Heading, Label, Radio, RadioGroup } from "react-aria-components";
import { useTranslations } from "use-intl";
import { type Cell, DIALECTS, type Separator, toCsv } from "../lib/csv";
import type { Decimal } from "../lib/decimal";
import { MASK } from "../lib/format";
import type { PortfolioDocument } from "../model/document";
import { ALL_COLUMNS, allRows, type Column, fileNameOf, SHOWN_COLUMNS, shownRows } from "../model/exporting";
import type { Holding } from "../model/holdings";
import { Icon } from "./icons";
import { Modal } from "./Modal";
import { useMoney } from "./money";

/** So many rows are previewed. */
const PREVIEW_ROWS = 3;

/** A blob's address is kept for so long that the browser has surely begun to save it. */
const KEEP_MS = 10_000;

const SECRET: ReadonlySet<Column> = new Set(["free", "locked", "total", "value"]);
const SEPARATORS = { semicolon: ";", comma: ",", tab: "\t" } as const satisfies Record<string, Separator>;
type SeparatorName = keyof typeof SEPARATORS;

interface ExportProps {
  readonly document: PortfolioDocument;
  readonly rows: readonly Holding[];
  readonly whole: Decimal;
  readonly tabId: string;
}

/** The button and its dialog. */
export function Export(props: ExportProps) {
  const t = useTranslations("export");
  const [isOpen, setOpen] = useState(false);
  return (
    <DialogTrigger>
      <Button className="button" onPress={() => setOpen(true)} data-testid="export">
        <Icon name="download" />
        {t("open")}
      </Button>
      <Modal isOpen={isOpen} onClose={() => setOpen(false)} testId="export-dialog" isWide>
        {isOpen ? <ExportForm {...props} onClose={() => setOpen(false)} /> : null}
      </Modal>
    </DialogTrigger>
  );
}

function ExportForm({ document, rows, whole, tabId, onClose }: ExportProps & { readonly onClose: () => void }) {
  const t = useTranslations("export");
  const app = useTranslations("app");
  const { hidden, language } = useMoney();
  const contents = useContents({ document, rows, whole });
  const usual = DIALECTS[language];
  const [scope, setScope] = useState<"shown" | "all">("shown");
  const [separator, setSeparator] = useState<SeparatorName>(usual.separator === ";" ? "semicolon" : "comma");
  const [mark, setMark] = useState<"," | ".">(usual.decimalMark ?? ".");
  const { columns, cells } = contents[scope];
  const head = columns.map((column): Cell => t(`column_${column}`));
  const dialect = { separator: SEPARATORS[separator], decimalMark: mark };
  const preview = cells
    .slice(0, PREVIEW_ROWS)
    .map((row) => row.map((cell, at) => (hidden && SECRET.has(columns[at] as Column) ? MASK : cell)));
  return (
    <>
      <Heading slot="title">{t("title")}</Heading>
      <div className="dialog-body">
        <RadioGroup className="choice" value={scope} onChange={(value) => setScope(value as "shown" | "all")}>
          <Label>{t("scope")}</Label>
          <Radio className="choice-item" value="shown">
            {t("scopeShown", { count: contents.shown.cells.length })}
          </Radio>
          <Radio className="choice-item" value="all">
            {t("scopeAll", { count: contents.all.cells.length })}
          </Radio>
        </RadioGroup>
        <RadioGroup className="choice" value={separator} onChange={(value) => setSeparator(value as SeparatorName)}>
          <Label>{t("separator")}</Label>
          {(Object.keys(SEPARATORS) as SeparatorName[]).map((name) => (
            <Radio className="choice-item" key={name} value={name}>
              {t(name)}
            </Radio>
          ))}
        </RadioGroup>
        <RadioGroup className="choice" value={mark} onChange={(value) => setMark(value as "," | ".")}>
          <Label>{t("decimal")}</Label>
          <Radio className="choice-item" value=",">
            {t("decimalComma")}
          </Radio>
          <Radio className="choice-item" value=".">
            {t("decimalPoint")}
          </Radio>
        </RadioGroup>
        <h3>{t("preview")}</h3>
        <pre className="preview" data-testid="export-preview" tabIndex={0}>
          {toCsv([head, ...preview], dialect)}
        </pre>
        {hidden ? <p className="note">{t("hiddenNote")}</p> : null}
      </div>
      <div className="dialog-actions">
        <Button className="button" onPress={onClose}>
          {app("cancel")}
        </Button>
        <Button
          className="button primary"
          data-testid="download"
          onPress={() => {
            save(toCsv([head, ...cells], dialect), fileNameOf(document, tabId));
            onClose();
          }}
        >
          <Icon name="download" />
          {t("download")}
        </Button>
      </div>
    </>
  );
}

function useContents({ document, rows, whole }: Pick<ExportProps, "document" | "rows" | "whole">) {
  const root = useTranslations();
  const table = useTranslations("table");
  const status = useTranslations("status");
  const { language } = useMoney();
  const word = (name: string): string =>
    name === "fresh" || name === "stale" || name === "suspicious" ? status(name) : name;
  const all = allRows(document, language, { status: word, yes: root("yes"), no: root("no") });
  return {
    shown: {
      columns: SHOWN_COLUMNS as readonly Column[],
      cells: shownRows(rows, whole, language, (mark) => table(mark)),
    },
    all: { columns: ALL_COLUMNS as readonly Column[], cells: all },
  };
}

function save(text: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = window.document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
}
