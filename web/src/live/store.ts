/** A value that is replaced, never changed, and those who want to know; made for `useSyncExternalStore`. */
export class Store<T extends object> {
  readonly #listeners = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = Object.freeze(value);
  }

  /** The value as it is; the same object until something changes. */
  readonly get = (): T => this.#value;

  /** Be called after every change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Whether anybody listens. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Replace some fields; where nothing differs nobody is called. `along` goes with a change, and is none by itself. */
  update(change: Partial<T>, along: Partial<T> = {}): void {
    const names = Object.keys(change) as (keyof T)[];
    if (names.every((name) => Object.is(change[name], this.#value[name]))) {
      return;
    }
    this.#value = Object.freeze({ ...this.#value, ...along, ...change });
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }
}
