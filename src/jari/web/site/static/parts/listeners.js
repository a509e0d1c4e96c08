// @ts-check
// Who wants to hear of something that changes.

/** @template [Told=void] */
export class Listeners {
  /** @type {Set<(told: Told) => void>} */
  #listeners = new Set();

  /**
   * Call back, until the signal aborts; without one, for as long as the document stands.
   * @param {(told: Told) => void} listener
   * @param {AbortSignal} [signal]
   */
  add(listener, signal) {
    this.#listeners.add(listener);
    signal?.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /** @param {Told} told */
  tell(told) {
    for (const listener of this.#listeners) listener(told);
  }
}
