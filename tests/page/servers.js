// A server that answers as it is told, and time that passes as soon as nobody has anything else to do.

/**
 * @typedef {{ status?: number, data?: unknown, code?: string, headers?: Record<string, string> }} Answer
 * @typedef {{ method: string, path: string, body: unknown, key: string | null }} Asked
 */

/**
 * Stand in for the network: each request takes the next answer; null is one that never came. Returns what was asked.
 * @param {import("node:test").TestContext} context
 * @param {(Answer | null)[]} answers
 */
export function serve({ mock }, answers) {
  /** @type {Asked[]} */
  const asked = [];
  mock.method(globalThis, "fetch", (/** @type {string} */ path, /** @type {RequestInit} */ options) => {
    const headers = new Headers(options.headers);
    asked.push({
      method: options.method ?? "GET",
      path,
      body: options.body ? JSON.parse(String(options.body)) : null,
      key: headers.get("Idempotency-Key"),
    });
    const answer = answers[asked.length - 1];
    if (answer === undefined) throw new Error(`The test has no answer for ${options.method} ${path}.`);
    if (answer === null) return Promise.reject(new TypeError("The connection was lost."));
    const { status = 200, data, code, headers: sent = {} } = answer;
    const body = status < 400 ? { status, data } : { status, code, detail: `It was refused: ${code}.` };
    return Promise.resolve(new Response(JSON.stringify(body), { status, headers: sent }));
  });
  return asked;
}

/**
 * Wait for what takes time by the clock: the clock runs on whenever nothing else is to be done.
 * @template Value
 * @param {import("node:test").TestContext} context
 * @param {() => Promise<Value>} start
 */
export async function passTime({ mock }, start) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const run = { isOver: false };
  const promise = start().finally(() => { run.isOver = true; });
  promise.catch(() => {}); // whoever waits for it below is told
  while (!run.isOver) {
    await new Promise((resolve) => { setImmediate(resolve); });
    mock.timers.tick(100);
  }
  return promise;
}
