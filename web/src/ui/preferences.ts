/** What a person chose about the look of the page. Kept in this browser alone; it changes no value. */

import { useSyncExternalStore } from "react";
import type { Currency, Language } from "../lib/format";
import { DEFAULT_SORT, type Sort } from "../model/view";

/** Light, dark, or whatever the system says. */
export type Theme = "system" | "light" | "dark";

/** All choices. */
export interface Preferences {
  readonly language: Language;
  readonly theme: Theme;
  readonly currency: Currency;
  readonly hidden: boolean;
  readonly hideSmall: boolean;
  readonly sort: Sort;
}

/** The currencies that values can be shown in; the first one is the truth. */
export const CURRENCIES: readonly Currency[] = ["USD", "TRY", "EUR", "BTC"];

/** The languages of the page. */
export const LANGUAGES: readonly Language[] = ["tr", "en"];

const PREFIX = "spark.";
const THEMES: readonly Theme[] = ["system", "light", "dark"];
const COLUMNS: readonly Sort["column"][] = ["asset", "free", "locked", "total", "price", "change", "value", "share"];

function isOneOf<T extends string>(choices: readonly T[], value: unknown): value is T {
  return (choices as readonly unknown[]).includes(value);
}

/** The language of the address, of the last visit, or the browser's first that we speak; else English. */
function chosenLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, stored("language"), ...navigator.languages.map((tag) => tag.toLowerCase().split("-")[0])];
  return wanted.find((tag): tag is Language => isOneOf(LANGUAGES, tag)) ?? "en";
}

function stored(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // Storage may be switched off: then the choices live as long as the page.
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // As above.
  }
}

function storedSort(): Sort {
  const [column, order] = (stored("sort") ?? "").split(" ");
  return isOneOf(COLUMNS, column) ? { column, descending: order !== "ascending" } : DEFAULT_SORT;
}

function read(): Preferences {
  const theme = stored("theme");
  const currency = stored("currency");
  return {
    language: chosenLanguage(),
    theme: isOneOf(THEMES, theme) ? theme : "system",
    currency: isOneOf(CURRENCIES, currency) ? currency : "USD",
    hidden: stored("hidden") === "yes",
    hideSmall: stored("hideSmall") === "yes",
    sort: storedSort(),
  };
}

let current = read();
const listeners = new Set<() => void>();

function show({ language, theme }: Preferences): void {
  document.documentElement.lang = language;
  document.documentElement.dataset.theme = theme;
}

show(current);

/** An address that names a language names the chosen one from now on, or the next reload would undo the choice. */
function sayInAddress(language: Language): void {
  const query = new URLSearchParams(location.search);
  if (query.has("lang")) {
    query.set("lang", language);
    history.replaceState(history.state, "", `?${query}`);
  }
}

/** Change some choices; they are kept for the next visit. */
export function choose(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  for (const name of Object.keys(change) as (keyof Preferences)[]) {
    const value = current[name];
    if (typeof value === "boolean") {
      keep(name, value ? "yes" : "no");
    } else if (typeof value === "string") {
      keep(name, value);
    } else {
      keep(name, `${value.column} ${value.descending ? "descending" : "ascending"}`);
    }
  }
  if (change.language !== undefined) {
    sayInAddress(change.language);
  }
  show(current);
  for (const listener of listeners) {
    listener();
  }
}

/** Another window of this browser chose something: hidden amounts are hidden in all of them. */
function follow(event: { readonly key: string | null }): void {
  if (event.key === null || event.key.startsWith(PREFIX)) {
    current = { ...read(), language: current.language };
    show(current);
    for (const listener of listeners) {
      listener();
    }
  }
}

globalThis.addEventListener?.("storage", follow);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The choices as they are now. */
export function preferences(): Preferences {
  return current;
}

/** The choices, and all changes of them. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}
