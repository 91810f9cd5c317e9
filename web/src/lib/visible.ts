/** Names as they may be shown: what cannot be seen, or turns the reading direction, is spelt out. */

/**
 * What a font draws as nothing, by Unicode's own list, and the blanks that are not on it. Joiners and the selectors of
 * emoji's form stay where they join or select something: real names have them.
 */
const UNSEEN = /\p{Default_Ignorable_Code_Point}|\u2800|\u3164|\uffa0|\u115f|\u1160/gu;
const JOINS: ReadonlySet<string> = new Set(["\u200c", "\u200d", "\ufe0e", "\ufe0f"]);
const JOINED = /(?:\p{Letter}|\p{Mark}|\p{Extended_Pictographic}|\p{Emoji_Modifier})$/u;
/** Scripts whose letters join, or drawings: after one of these a joiner says something. */
const LATIN = /(?:\p{Script=Latin}|\p{Script=Greek}|\p{Script=Cyrillic})$/u;

/** A name in which nothing is hidden: a coin that turns "CTB" round must not look like "BTC". */
export function visible(name: string): string {
  return name.replace(UNSEEN, (mark, at: number) => {
    const before = name.slice(0, at);
    if (JOINS.has(mark) && JOINED.test(before) && !LATIN.test(before)) {
      return mark;
    }
    return `⟨U+${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
