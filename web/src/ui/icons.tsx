/** Small drawings of our own, all of 24 units; they say nothing to a screen reader, words beside them do. */

const PATHS = {
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12Z M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  eyeOff:
    "M3 3l18 18 M10.6 5.6A10 10 0 0 1 12 5.5c6.4 0 10 6.5 10 6.5a17 17 0 0 1-3.2 3.9 M6.3 7.4A17 17 0 0 0 2 12s3.600 6.500 10 6.500a10 10 0 0 0 4.500-1",
  refresh: "M20 11a8 8 0 0 0-14-4.500L4 9 M4 4v5h5 M4 13a8 8 0 0 0 14 4.500L20 15 M20 20v-5h-5",
  download: "M12 4v11 M7.500 11 12 15.500 16.500 11 M5 20h14",
  chevron: "M9 6l6 6-6 6",
  up: "M12 19V6 M6.500 11 12 5.500 17.500 11",
  down: "M12 5v13 M6.500 13 12 18.500 17.500 13",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12Z M15.500 15.500 20 20",
  close: "M6 6l12 12 M18 6 6 18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z M12 2v2 M12 20v2 M2 12h2 M20 12h2 M5 5l1.400 1.400 M17.600 17.600 19 19 M5 19l1.400-1.400 M17.600 6.400 19 5",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500Z",
  system: "M4 5h16v11H4Z M9 20h6 M12 16v4",
  warning: "M12 4 2.500 20h19Z M12 10v5 M12 17.500v.500",
  check: "M5 12.500 10 17.500 19 7.500",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z M12 11v5.500 M12 7.500v.500",
  bolt: "M13.500 3 6 13.500h5L10 21l8-11h-6Z",
} as const;

/** The name of a drawing. */
export type IconName = keyof typeof PATHS;

/** A drawing in the colour of the text. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
