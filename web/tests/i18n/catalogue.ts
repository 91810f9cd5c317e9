/** The messages of both languages as lists, and what each of them asks for. */

import { type MessageFormatElement, parse, TYPE } from "@formatjs/icu-messageformat-parser";
import { MESSAGES } from "../../src/i18n/messages";
import type { Language } from "../../src/lib/language";

type Tree = { readonly [name: string]: string | Tree };

/** All messages of a language by their whole key, such as `table.asset`. */
export function messagesOf(language: Language): Map<string, string> {
  const flat = (tree: Tree, prefix: string): [string, string][] =>
    Object.entries(tree).flatMap(([name, value]) =>
      typeof value === "string" ? [[prefix + name, value]] : flat(value, `${prefix}${name}.`),
    );
  return new Map(flat(MESSAGES[language], ""));
}

/** What a message asks for: by name, whether it is a text, a number, a choice or a tag. */
export type Asked = "text" | "number" | "plural" | "select" | "date" | "tag";

/** One branch of a plural or of a choice, with the name of its argument. */
export interface Branch {
  readonly name: string;
  readonly kind: "plural" | "select";
  readonly option: string;
}

/** What a message asks for, at any depth, and the branches that it has. */
export function readMessage(message: string): { asked: Map<string, Set<Asked>>; branches: Branch[] } {
  const asked = new Map<string, Set<Asked>>();
  const branches: Branch[] = [];
  const ask = (name: string, kind: Asked) => asked.set(name, (asked.get(name) ?? new Set<Asked>()).add(kind));
  const walk = (elements: readonly MessageFormatElement[]): void => {
    for (const element of elements) {
      const kind = KINDS.get(element.type);
      if (kind === undefined || !("value" in element)) {
        continue; // A literal, or the # of a plural.
      }
      ask(element.value, kind);
      if (element.type === TYPE.tag) {
        walk(element.children);
      } else if (element.type === TYPE.plural || element.type === TYPE.select) {
        for (const [option, { value }] of Object.entries(element.options)) {
          branches.push({ name: element.value, kind: element.type === TYPE.plural ? "plural" : "select", option });
          walk(value);
        }
      }
    }
  };
  walk(parse(message));
  return { asked, branches };
}

const KINDS: ReadonlyMap<TYPE, Asked> = new Map([
  [TYPE.argument, "text"],
  [TYPE.number, "number"],
  [TYPE.plural, "plural"],
  [TYPE.select, "select"],
  [TYPE.date, "date"],
  [TYPE.time, "date"],
  [TYPE.tag, "tag"],
]);
