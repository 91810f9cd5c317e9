import { renderToStaticMarkup } from "react-dom/server";
import { IntlProvider } from "use-intl";
import { describe, expect, it } from "vitest";
import en from "../../src/i18n/en.json";
import tr from "../../src/i18n/tr.json";
import { formatMoney, type Language, MASK, maskOr } from "../../src/lib/format";
import type { SliceRow } from "../../src/model/allocation";
import { PALETTE } from "../../src/model/palette";
import { Allocation } from "../../src/ui/Allocation";
import { LISTED_MAX } from "../../src/ui/AllocationTable";

const NASTY = '<img src=x onerror="alert(1)">';

const ASSETS: SliceRow[] = [
  { key: "BTC", label: "BTC", valueUsd: "41250.00", share: 0.9 },
  { key: "evil", label: NASTY, valueUsd: "4000.00", share: 0.087 },
  { key: "A", label: "A", valueUsd: "300.25", share: 0.0066 },
  { key: "B", label: "B", valueUsd: "300.50", share: 0.0066 },
  { key: "loan", label: "USDT", valueUsd: "-17.5", share: -0.0004 },
];

function page(
  language: Language,
  {
    hidden = false,
    asset = ASSETS,
    isUnread = false,
  }: { hidden?: boolean; asset?: SliceRow[]; isUnread?: boolean } = {},
) {
  const money = (usd: string) => maskOr(hidden, formatMoney(language, usd, "USD"));
  return renderToStaticMarkup(
    <IntlProvider locale={language} messages={language === "tr" ? tr : en} timeZone="Europe/Istanbul">
      <Allocation
        groups={{ asset, exchange: [], wallet: [] }}
        language={language}
        money={money}
        hidden={hidden}
        totalLabel="Total"
        isUnread={isUnread}
      />
    </IntlProvider>,
  );
}

const rowOf = (html: string, name: string) => html.split("<tr").find((row) => row.includes(name)) ?? "";

describe("the allocation", () => {
  it("says in its table what the ring draws: mark, name, value and share", () => {
    const row = rowOf(page("en"), "<bdi>BTC</bdi>");
    const color = row.match(/aria-hidden="true"[^>]*background:(#[0-9a-f]{6})[^>]*>1</)?.[1];
    expect(PALETTE).toContain(color);
    expect(row).toContain("<td>$41,250.00</td><td>90.0%</td>");
  });

  it("takes a name for text", () => {
    const html = page("en");
    expect(html).not.toContain("<img");
    expect(html).toContain("<bdi>&lt;img src=x onerror=&quot;alert(1)&quot;&gt;</bdi>");
  });

  it("shows the small ones as one row that can be opened", () => {
    const html = page("en");
    expect(html).toMatch(/<button type="button" aria-expanded="false"[^>]*>Other \(2\)<\/button>/);
    expect(rowOf(html, "Other (2)")).toContain("<td>$600.75</td><td>1.3%</td>");
    expect(page("tr")).toContain("Diğer (2)");
  });

  it("lists debts without a colour, and counts them in the total", () => {
    const row = rowOf(page("en"), "<bdi>USDT</bdi>");
    expect(row).toContain("\u2212$17.50");
    expect(row).not.toContain("background");
    expect(page("en")).toMatch(/<th scope="row">Total<\/th><td>\$45,833\.25<\/td>/);
  });

  it("holds no amount at all when amounts are hidden, but every share", () => {
    const html = page("en", { hidden: true });
    expect(html).not.toContain("$");
    expect(html).toContain(`<td>${MASK}</td><td>90.0%</td>`);
  });

  it("keeps the ring from screen readers, and its place before it is loaded", () => {
    expect(page("en")).toMatch(/data-load="loading"><div class="allocation-ring-picture" aria-hidden="true">/);
  });

  it("lists no more debts than can be read, and says how many there are", () => {
    const asset = Array.from({ length: LISTED_MAX + 7 }, (_, index) => ({
      key: `${index}`,
      label: `D${index}`,
      valueUsd: "-1",
      share: -0.01,
    }));
    const html = page("en", { asset });
    expect(html.match(/<bdi>/g)).toHaveLength(LISTED_MAX);
    expect(html).toContain("and 7 more");
  });

  it("says so when nothing has a value", () => {
    const html = page("en", { asset: [] });
    expect(html).not.toContain("<table");
    expect(html).toContain(en.allocation.empty);
  });

  it("has a dash in the ring where nothing was read, and 0 where what was read is empty", () => {
    expect(page("en", { asset: [], isUnread: true })).toContain("<strong>–</strong>");
    expect(page("en", { asset: [] })).toContain("<strong>$0.00</strong>");
  });
});
