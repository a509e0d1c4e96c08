// @ts-check
// The stream of seat changes: opens it, keeps it open, and resumes it where it broke off.

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
const STEADY_MS = 10_000;
const STALE_AFTER_HIDDEN_MS = 15_000;

/**
 * What a `snapshot` and a `changes` event carry: ids of seats by status, as of a version.
 * @typedef {{ version: number, seats: { AVAILABLE?: number[], HOLD?: number[], OCCUPIED?: number[] } }} Statuses
 * @typedef {"connecting" | "live" | "reconnecting" | "offline"} Connection
 */

/**
 * @typedef {object} Handlers
 * @property {(snapshot: Statuses) => void} onSnapshot
 * @property {(changes: Statuses) => void} onChanges
 * @property {(state: Connection) => void} onState
 * @property {() => void} onNewEpoch the seats themselves may have changed
 */

/**
 * The epoch in an id `<epoch>-<version>`.
 * @param {string} id
 */
const epochOf = (id) => id.slice(0, id.lastIndexOf("-"));

/** One schedule's stream, until the signal aborts. */
export class Live {
  #url;
  #handlers;
  #leaving;
  /** @type {EventSource | null} */
  #source = null;
  #lastId = "";
  #failures = 0;
  #openedMs = 0;
  #hiddenMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;

  /**
   * @param {number} scheduleId
   * @param {Handlers} handlers
   * @param {AbortSignal} leaving
   */
  constructor(scheduleId, handlers, leaving) {
    this.#url = `/api/schedules/${scheduleId}/seats/stream?events=batch`;
    this.#handlers = handlers;
    this.#leaving = leaving;
    leaving.addEventListener("abort", () => this.#disconnect());
    this.#watchPage();
    this.#connect();
  }

  #connect() {
    this.#disconnect();
    // A new EventSource sends no Last-Event-ID; only the browser's own reconnect does.
    const since = this.#lastId ? `&since=${encodeURIComponent(this.#lastId)}` : "";
    const source = new EventSource(this.#url + since);
    this.#source = source;
    this.#handlers.onState(this.#lastId ? "reconnecting" : "connecting");
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed());
    source.addEventListener("snapshot", (event) => this.#received(event, this.#handlers.onSnapshot));
    source.addEventListener("changes", (event) => this.#received(event, this.#handlers.onChanges));
  }

  #disconnect() {
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    this.#source = null;
  }

  #opened() {
    this.#openedMs = Date.now();
    // After a resume there may be nothing to send, so being open is enough to be live.
    if (this.#lastId) this.#handlers.onState("live");
  }

  /**
   * @param {MessageEvent<string>} event
   * @param {(statuses: Statuses) => void} handle
   */
  #received(event, handle) {
    const { data } = JSON.parse(event.data);
    handle(data);
    if (event.lastEventId) {
      if (this.#lastId && epochOf(this.#lastId) !== epochOf(event.lastEventId)) this.#handlers.onNewEpoch();
      this.#lastId = event.lastEventId;
    }
    this.#handlers.onState("live");
  }

  #failed() {
    if (this.#openedMs && Date.now() - this.#openedMs > STEADY_MS) this.#failures = 0;
    this.#openedMs = 0;
    this.#handlers.onState(navigator.onLine ? "reconnecting" : "offline");
    // While CONNECTING the browser tries again by itself. CLOSED is final: a refusal such as 503.
    if (this.#source?.readyState === EventSource.CLOSED) this.#retryLater();
  }

  #retryLater() {
    clearTimeout(this.#retryTimer);
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    // Jitter, because after a restart every viewer comes back at once.
    this.#retryTimer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  #watchPage() {
    const signal = this.#leaving;
    const now = () => this.#connect();
    addEventListener("pagehide", () => this.#disconnect(), { signal });
    addEventListener("pageshow", (event) => { if (event.persisted) now(); }, { signal });
    addEventListener("online", now, { signal });
    addEventListener("offline", () => this.#handlers.onState("offline"), { signal });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#hiddenMs = Date.now();
      else if (this.#mayBeDead()) now();
    }, { signal });
  }

  /** Mobile browsers end the streams of pages in the background without telling them. */
  #mayBeDead() {
    return this.#source?.readyState !== EventSource.OPEN || Date.now() - this.#hiddenMs > STALE_AFTER_HIDDEN_MS;
  }
}
