/** The words that the API may say, as its own description lists them. */

import openapi from "../src/api/openapi.json";

/** A part of a description, of which only lists of words matter here. */
interface Schema {
  readonly enum?: readonly string[];
  readonly const?: string | number | boolean;
  readonly anyOf?: readonly Schema[];
  readonly [keyword: string]: unknown;
}

type Body = { readonly properties?: Readonly<Record<string, Schema>> };

/** The words that a field of a body may have. */
export function enumOf(body: string, field: string): string[] {
  const bodies: Readonly<Record<string, Body>> = openapi.components.schemas;
  const words = wordsOf(bodies[body]?.properties?.[field] ?? {});
  if (words.length === 0) {
    throw new RangeError(`${body}.${field} has no list of words`);
  }
  return words;
}

function wordsOf(schema: Schema): string[] {
  const own = typeof schema.const === "string" ? [schema.const] : (schema.enum ?? []);
  return [...own, ...(schema.anyOf ?? []).flatMap(wordsOf)];
}
