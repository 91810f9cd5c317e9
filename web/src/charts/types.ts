/** What the ring is given and what it offers. No ECharts here, so that the page may import it without the chunk. */

/** One slice. It carries texts, no amounts: what is hidden on the page is not in the picture either. */
export type Slice = {
  readonly key: string;
  readonly label: string;
  /** The second line of its tooltip: value and share, ready to be shown. */
  readonly detail: string;
  /** Its part of the ring, from 0 to 1. */
  readonly part: number;
  readonly color: string;
  /** The colour of the mark on it. */
  readonly ink: string;
  /** What stands on it and before its row in the table: the same number, so that colour is not needed. */
  readonly mark: string;
};

/** How the ring tells what the pointer is on: the key of a slice, or null. */
export type DonutOptions = { readonly onPoint: (key: string | null) => void };

/** A drawn ring. */
export type DonutHandle = {
  /** Draws these slices; ticks of the same keys without any motion. */
  update(slices: readonly Slice[]): void;
  /** Sets one slice off from the others, or none. */
  highlight(key: string | null): void;
  /** Fits the ring to its element. */
  resize(): void;
  /** Takes the ring off the page. */
  dispose(): void;
};
