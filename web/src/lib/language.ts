/** The languages of the page, and the locale that each is written in. */

/** A language the page speaks. */
export type Language = "tr" | "en";

/**
 * The locale of each language. For English the British one: same digits and marks as the American, but a date that
 * names its month and cannot be misread, and a clock of 24 hours, as Turkish has it.
 */
export const LOCALES: Readonly<Record<Language, string>> = { tr: "tr-TR", en: "en-GB" };

/** What stands where a value is not known. Unknown is never 0. */
export const UNKNOWN = "–";

/** Joins a number and what belongs to it, so that no line breaks between them. */
export const NO_BREAK_SPACE = "\u00a0";
