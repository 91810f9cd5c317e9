/** The words of the page in both languages, and their type: a key that is missing does not compile. */

import type { Language } from "../lib/language";
import en from "./en.json";
import tr from "./tr.json";

/** All messages; English is the measure. */
export type Messages = typeof en;

/** The words by language. */
export const MESSAGES: Readonly<Record<Language, Messages>> = { en, tr };

declare module "use-intl" {
  interface AppConfig {
    Locale: Language;
    Messages: Messages;
  }
}
