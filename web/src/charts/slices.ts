/** The pure parts of the ring: which texts it shows, and when it need not be drawn again. */

import type { Slice } from "./types";

/** The longest label in a tooltip, in code points: it must fit into the width of the ring. The table has all of it. */
export const TOOLTIP_LABEL_MAX = 22;

/** A change of the ring below this part of the circle moves an edge by less than a pixel at any size it is drawn in. */
export const PART_VISIBLE = 0.0005;

/** First strong isolate and its end: a label written from right to left cannot turn the rest of the line round. */
const ISOLATE = "\u2068";
const ISOLATE_END = "\u2069";

/** Word joiner: has no width, and breaks ECharts' own markup apart. */
const WORD_JOINER = "\u2060";

/** Characters that would end the isolate, turn the direction, or start a new line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const UNRULY = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** A text from outside as ECharts shows it literally: `{style|text}` would be markup there. */
export function plainText(text: string): string {
  return text.replace(UNRULY, "").replaceAll("{", `{${WORD_JOINER}`);
}

/** The two lines of a slice's tooltip. */
export function tooltipText(slice: Slice | undefined): string {
  if (slice === undefined) {
    return "";
  }
  const points = [...slice.label.replace(UNRULY, "")];
  const cut =
    points.length > TOOLTIP_LABEL_MAX ? `${points.slice(0, TOOLTIP_LABEL_MAX - 1).join("")}…` : points.join("");
  return `${ISOLATE}${plainText(cut)}${ISOLATE_END}\n${plainText(slice.detail)}`;
}

/** Tells whether two rings look the same, but for their tooltips. */
export function sameRing(before: readonly Slice[], after: readonly Slice[]): boolean {
  return (
    before.length === after.length &&
    before.every((old, index) => {
      const slice = after[index];
      return (
        slice !== undefined &&
        old.key === slice.key &&
        old.color === slice.color &&
        old.ink === slice.ink &&
        old.mark === slice.mark &&
        Math.abs(old.part - slice.part) < PART_VISIBLE
      );
    })
  );
}
