/** The words that the API may say, as its own description lists them. */

import openapi from "../src/api/openapi.json";

type Schema = { readonly enum?: readonly string[]; readonly const?: string; readonly anyOf?: readonly Schema[] };
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
  const own = schema.const === undefined ? (schema.enum ?? []) : [schema.const];
  return [...own, ...(schema.anyOf ?? []).flatMap(wordsOf)];
}
