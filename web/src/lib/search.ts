/**
 * Search as people type it: case, accents, width and the dots of the Turkish i make no difference.
 *
 * In Turkish `I` is the capital of `ı` and `İ` of `i`, so no single rule of case fits a page of two languages: here
 * all four are one letter, and whoever types `bitcoın` or `BİTCOİN` finds Bitcoin.
 */

/** A text that can be searched; what is not there matches nothing. */
export type Field = string | null | undefined;

/** Letters that Unicode does not take apart into a plain letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  ı: "i",
  ß: "ss",
  æ: "ae",
  ð: "d",
  đ: "d",
  ø: "o",
  ł: "l",
  œ: "oe",
  ς: "σ",
};

const LETTER = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "gu");

/** Accents, and what cannot be seen: marks of direction, joiners, soft hyphens. */
const UNSEEN = /[\p{Mark}\p{Format}]/gu;

const PLAIN_ASCII = /^[\x20-\x7e]*$/;

/** The form of a text in which two that look alike to a searcher are equal. */
export function fold(text: string): string {
  if (PLAIN_ASCII.test(text)) {
    return text.toLowerCase();
  }
  // Taken apart first: what falls apart can be a capital (ℌ), and the dot of İ goes with the other marks.
  const apart = text.normalize("NFKD").toLowerCase().replace(UNSEEN, "");
  return apart.replace(LETTER, (letter) => LETTERS[letter] ?? letter);
}

/** Prepares a query once for many rows: every word must stand in one of the fields, in any order. */
export function matcher(query: string): (...fields: readonly Field[]) => boolean {
  const words = fold(query)
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) {
    return () => true;
  }
  return (...fields) => {
    const texts = fields.filter((field) => typeof field === "string").map(fold);
    return words.every((word) => texts.some((text) => text.includes(word)));
  };
}

/** Tells whether every word of the query stands in one of the fields; an empty query matches everything. */
export function matches(query: string, ...fields: readonly Field[]): boolean {
  return matcher(query)(...fields);
}
