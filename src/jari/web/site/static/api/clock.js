// @ts-check
// The server's clock as seen from here. A hold ends by the store's clock, and a buyer's own may be minutes off.

let offsetMs = 0;

/**
 * Learn from the time the server gave; `askedMs` is when we asked, so that half the journey is taken off.
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
