/** The colours of the allocation: told apart with every kind of colour vision, and seen on light and dark ground. */

/**
 * One for each slice that is drawn; which of them is whose goes by its name, so any two may be neighbours. Each has a
 * contrast of at least 3:1 with the surface of either theme. They were searched for the largest distance between any
 * two, as seen with normal vision and with each of the three kinds of colour blindness.
 */
export const PALETTE: readonly string[] = [
  "#1e96d2",
  "#c33c0f",
  "#1e69d2",
  "#a58700",
  "#a53ca5",
  "#1e7800",
  "#c369b4",
  "#875a69",
  "#7878f0",
  "#e15a69",
];

/** The colour of everything too small for a slice of its own. */
export const OTHER_COLOR = "#7c828c";

/** The key of the slice that stands for the small ones. No asset is called so: names have no control characters. */
export const OTHER_KEY = "\u0000other";

/** What stands on that slice, where others have their number. */
export const OTHER_MARK = "…";

const BLACK = "#000000";
const WHITE = "#ffffff";

/** Black or white, whichever can be read better on a colour: one of them always has a contrast of 4.5:1. */
export function inkOn(color: string): string {
  return contrast(color, BLACK) >= contrast(color, WHITE) ? BLACK : WHITE;
}

/** The contrast of two colours (`#rrggbb`) by the formula of WCAG: from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((start) => linear(Number.parseInt(color.slice(start, start + 2), 16) / 255));
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}
