// @ts-check
// The server's clock as seen from here. A hold ends by the store's clock, and the buyer's clock may be minutes off.

let offsetMs = 0;

/**
 * Set the clock by a time that the server gave. `askedMs` is when we asked; half of the journey is taken off.
 * @param {string} serverTime
 * @param {number} askedMs
 */
export function correctClock(serverTime, askedMs) {
  const answeredMs = Date.now();
  offsetMs = Date.parse(serverTime) + (answeredMs - askedMs) / 2 - answeredMs;
}

/** Milliseconds since 1970 by the server's clock. */
export function nowMs() {
  return Date.now() + offsetMs;
}
