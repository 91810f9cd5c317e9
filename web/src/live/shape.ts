/**
 * Checks of what came over the wire. All of it is hostile text until it has the shape that the types promise; what is
 * more than promised is let through, since a newer server may say more.
 */

/** Null where a value has the shape, otherwise the path to the first part that has not. */
export type Check = (value: unknown) => string | null;

const AMOUNT = /^-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,30})?$/;
/** 40 digits, a point and a sign. Looked at first: a pattern is not run over megabytes. */
const AMOUNT_LENGTH_MAX = 42;
const MOMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$/;
const MOMENT_LENGTH_MAX = 27;

/** Any text. */
export const text: Check = (value) => (typeof value === "string" ? null : "");

/** Any finite number. */
export const number: Check = (value) => (Number.isFinite(value) ? null : "");

/** True or false. */
export const truth: Check = (value) => (typeof value === "boolean" ? null : "");

/** An exact decimal in plain notation, signed or not. */
export const amount: Check = (value) =>
  typeof value === "string" && value.length <= AMOUNT_LENGTH_MAX && AMOUNT.test(value) ? null : "";

/** A moment in UTC that the calendar has. */
export const moment: Check = (value) => (parseUtc(value) === null ? "" : null);

/** Null, or what another check wants. */
export function nullable(check: Check): Check {
  return (value) => (value === null ? null : check(value));
}

/** An array of which every element passes. */
export function list(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) {
      return "";
    }
    for (let index = 0; index < value.length; index += 1) {
      const wrong = check(value[index]);
      if (wrong !== null) {
        return `[${index}]${wrong}`;
      }
    }
    return null;
  };
}

/** An object with these fields; the type argument makes the compiler ask for every field that the type has. */
export function record<T extends object>(fields: { [Name in keyof T]-?: Check }): Check {
  const checks = Object.entries(fields) as [string, Check][];
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return "";
    }
    for (const [name, check] of checks) {
      const wrong = check((value as Record<string, unknown>)[name]);
      if (wrong !== null) {
        return `.${name}${wrong}`;
      }
    }
    return null;
  };
}

/** Milliseconds since 1970 of a moment as the api writes it; null where it is none. */
export function parseUtc(value: unknown): number | null {
  if (typeof value !== "string" || value.length > MOMENT_LENGTH_MAX || !MOMENT.test(value)) {
    return null;
  }
  const milliseconds = Date.parse(value);
  return Number.isNaN(milliseconds) ? null : milliseconds;
}
