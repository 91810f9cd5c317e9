/** Ages and moments for people. Moments are shown in one zone, which is named beside them. */

import { type Language, LOCALES, NO_BREAK_SPACE, UNKNOWN } from "./language";

/** The unit that an age is told in: the largest that has passed at least once. */
export type TimeUnit = "second" | "minute" | "hour" | "day";

/** An age in one unit: its number, a short text for the eye, and a full one for a screen reader. */
export type Age = {
  readonly value: number;
  readonly unit: TimeUnit;
  readonly text: string;
  readonly spoken: string;
};

/** The zone that moments are told in, wherever the browser is: two screens side by side show the same time. */
export const TIME_ZONE = "Europe/Istanbul";

const UNITS: readonly (readonly [TimeUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Shorter than what Intl has: a column of ages must stay narrow. */
const SHORT_UNITS: Readonly<Record<Language, Readonly<Record<TimeUnit, string>>>> = {
  tr: { second: "sn", minute: "dk", hour: "sa", day: "gün" },
  en: { second: "s", minute: "min", hour: "h", day: "d" },
};

/** A moment as the api writes it; what other texts a browser would guess to be dates is not to be guessed. */
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** An age in the largest unit that fits, cut and never rounded up; clocks that disagree give 0, never less. */
export function formatAge(language: Language, seconds: number): Age {
  if (!Number.isFinite(seconds)) {
    return { value: seconds, unit: "second", text: UNKNOWN, spoken: UNKNOWN };
  }
  const whole = Math.floor(Math.max(0, seconds));
  const [unit, length] = UNITS.find(([, size]) => whole >= size) ?? (["second", 1] as const);
  const value = Math.floor(whole / length);
  const digits = numberFormat(language, null).format(value);
  return {
    value,
    unit,
    text: digits + NO_BREAK_SPACE + SHORT_UNITS[language][unit],
    spoken: numberFormat(language, unit).format(value),
  };
}

/** An age as a short text: `12 s`, `3 min`; where it is not known, a dash. */
export function formatDuration(language: Language, seconds: number | null): string {
  return seconds === null ? UNKNOWN : formatAge(language, seconds).text;
}

/** Date and time of a moment, with the zone: `23 Nov 2026, 06:32:33 GMT+3`. */
export function formatTime(language: Language, iso: string | null): string {
  return formatMoment(language, iso, "full");
}

/** The time of a moment alone: `06:32:33`. */
export function formatClock(language: Language, iso: string | null): string {
  return formatMoment(language, iso, "clock");
}

type Shape = "full" | "clock";

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
const SHAPES: Readonly<Record<Shape, Intl.DateTimeFormatOptions>> = {
  clock: CLOCK,
  full: { ...CLOCK, year: "numeric", month: "short", day: "numeric", timeZoneName: "short" },
};

function formatMoment(language: Language, iso: string | null, shape: Shape): string {
  const time = iso !== null && MOMENT.test(iso) ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(time) ? UNKNOWN : momentFormat(language, shape).format(time);
}

const moments = new Map<string, Intl.DateTimeFormat>();

function momentFormat(language: Language, shape: Shape): Intl.DateTimeFormat {
  const key = `${language} ${shape}`;
  let format = moments.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(LOCALES[language], { ...SHAPES[shape], timeZone: TIME_ZONE });
    moments.set(key, format);
  }
  return format;
}

const numbers = new Map<string, Intl.NumberFormat>();

function numberFormat(language: Language, unit: TimeUnit | null): Intl.NumberFormat {
  const key = `${language} ${unit}`;
  let format = numbers.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(
      LOCALES[language],
      unit === null ? {} : { style: "unit", unit, unitDisplay: "long" },
    );
    numbers.set(key, format);
  }
  return format;
}
