// @ts-check
// Timers that end with the page that they belong to.

/** How often the time that is left is written. */
export const TICK_MS = 500;

/** From here on time is short: it is announced, and written in an urgent colour. */
export const LAST_MINUTE_SECONDS = 60;

/**
 * Act every so many milliseconds, until the signal aborts.
 * @param {() => void} act
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
export function every(act, milliseconds, signal) {
  const timer = setInterval(act, milliseconds);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/**
 * Gather wishes into one act. The function returned wishes for `act`, which then happens once, `waitMs()` after the
 * first wish, unless the signal aborts before.
 * @param {() => void} act
 * @param {() => number} waitMs
 * @param {AbortSignal} signal
 */
export function soon(act, waitMs, signal) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  signal.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    if (signal.aborted) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      act();
    }, waitMs());
  };
}
