/** Names as they may be shown: what cannot be seen, or turns the reading direction, is spelt out. */

/**
 * Marks that change how text runs, and spaces of no width. The joiners of emoji and of scripts (U+200C, U+200D) stay:
 * real names have them.
 */
const UNSEEN = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A name in which nothing is hidden: a coin that turns "CTB" round must not look like "BTC". */
export function visible(name: string): string {
  return name.replace(UNSEEN, (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}
