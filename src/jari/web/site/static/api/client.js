// @ts-check
// The HTTP API: one function per call. Success gives `data`; a refusal throws ApiError; no answer, NetworkError.

/**
 * @import {
 *   Blocks, Checkout, ConfirmPayment, EndedSessions, HeldSeats, LayoutAnswer, Me, MySeats, Problem, ReleasedSeats,
 *   ReservationAnswer, ReservationsPart, ScheduleWithVenue, SchedulesPage
 * } from "./types.d.ts"
 */

const TIMEOUT_MS = 15_000;
const LAYOUT_TIMEOUT_MS = 60_000;
const CONFIRM_TIMEOUT_MS = 60_000; // the server asks the gateway meanwhile, and waits for it
const TRIES = 4;
const RETRY_MS = 500;
const LOST_ANSWERS = new Set([502, 504]); // A proxy got no answer either.

/** The server refused; `code` is stable, the message is a sentence, `seatIds` the seats concerned. Of a payment,
 * `gatewayCode` is the gateway's own word for why, and `reservationId` what was to be paid. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {Partial<Problem>} problem
   * @param {number} retryAfterSeconds
   */
  constructor(status, problem, retryAfterSeconds) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    this.seatIds = problem.seatIds ?? [];
    this.gatewayCode = problem.gatewayCode ?? "";
    this.reservationId = problem.reservationId ?? null;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer came, so nobody knows whether the request was carried out. */
export class NetworkError extends Error {}

/**
 * The server's code for why it refused; "" for every other error.
 * @param {unknown} error
 */
export const codeOf = (error) => (error instanceof ApiError ? error.code : "");

/**
 * The status of a refusal; 0 for every other error.
 * @param {unknown} error
 */
export const statusOf = (error) => (error instanceof ApiError ? error.status : 0);

/**
 * Did the call itself fail? Every other error is a fault of the page's own.
 * @param {unknown} error
 */
export const isOfCall = (error) => error instanceof ApiError || error instanceof NetworkError;

/**
 * @typedef {object} Options
 * @property {object} [body]
 * @property {Record<string, string>} [headers]
 * @property {number} [timeoutMs]
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>} the answer's `data`, of which each function below says the type
 */
async function request(method, path, { body, headers = {}, timeoutMs = TIMEOUT_MS } = {}) {
  const content = body === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  let answer;
  try {
    response = await fetch(path, {
      method,
      headers: { Accept: "application/json", ...content, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(timeoutMs),
    });
    answer = await response.text();
  } catch (error) {
    throw new NetworkError(String(error));
  }
  const parsed = parse(answer);
  if (!response.ok) throw new ApiError(response.status, parsed ?? {}, Number(response.headers.get("Retry-After")) || 0);
  if (parsed === null) throw new NetworkError(`no JSON in the answer to ${method} ${path}`);
  return parsed.data;
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // A proxy's error page, or an answer that was cut off.
  }
}

/** @param {number} id */
const schedulePath = (id) => `/api/schedules/${id}`;
/** @param {number} id */
const reservationPath = (id) => `/api/reservations/${id}`;

/** @type {(email: string, password: string, name: string) => Promise<Me>} */
export const signUp = (email, password, name) => request("POST", "/api/sign-up", { body: { email, password, name } });

/** @type {(email: string, password: string) => Promise<Me>} */
export const logIn = (email, password) => request("POST", "/api/log-in", { body: { email, password } });

/** @type {() => Promise<unknown>} */
export const logOut = () => request("POST", "/api/log-out", { body: {} });

/** @type {() => Promise<EndedSessions>} */
export const logOutEverywhere = () => request("POST", "/api/log-out-everywhere", { body: {} });

/** @type {(password: string, newPassword: string) => Promise<EndedSessions>} */
export const changePassword = (password, newPassword) =>
  request("POST", "/api/password", { body: { password, newPassword } });

/**
 * The account that is logged in, or null.
 * @returns {Promise<Me | null>}
 */
export async function me() {
  try {
    return await request("GET", "/api/me");
  } catch (error) {
    if (statusOf(error) === 401) return null;
    throw error;
  }
}

/** @type {(page: number) => Promise<SchedulesPage>} */
export const schedules = (page) => request("GET", `/api/schedules?page=${page}`);

/** @type {(id: number) => Promise<ScheduleWithVenue>} */
export const schedule = (id) => request("GET", schedulePath(id));

/** @type {(id: number) => Promise<Blocks>} */
export const blocks = (id) => request("GET", `${schedulePath(id)}/blocks`);

/** @type {(id: number) => Promise<LayoutAnswer>} */
export const seats = (id) => request("GET", `${schedulePath(id)}/seats`, { timeoutMs: LAYOUT_TIMEOUT_MS });

/** @type {(id: number) => Promise<MySeats>} */
export const allocations = (id) => request("GET", `${schedulePath(id)}/allocations`);

/**
 * Release seats that we hold.
 * @type {(id: number, seatIds: number[]) => Promise<ReleasedSeats>}
 */
export const release = (id, seatIds) =>
  request("DELETE", `${schedulePath(id)}/allocations?${seatIds.map((seatId) => `seatId=${seatId}`).join("&")}`);

/**
 * Hold seats, all or none.
 * @type {(id: number, seatIds: number[]) => Promise<HeldSeats>}
 */
export const hold = (id, seatIds) => postOnce(`${schedulePath(id)}/allocations`, { seatIds });

/**
 * Make a reservation of the seats that we hold.
 * @type {(scheduleId: number) => Promise<ReservationAnswer>}
 */
export const reserve = (scheduleId) => postOnce("/api/reservations", { scheduleId });

/**
 * A page of our reservations, newest first: those before an id, or the first.
 * @type {(before?: number) => Promise<ReservationsPart>}
 */
export const reservations = (before) => request("GET", `/api/reservations${before ? `?before=${before}` : ""}`);

/** @type {(id: number) => Promise<ReservationAnswer>} */
export const reservation = (id) => request("GET", reservationPath(id));

/** @type {(id: number) => Promise<ReservationAnswer>} */
export const cancelReservation = (id) => postOnce(`${reservationPath(id)}/cancel`, {});

/** @type {(id: number, seatId: number) => string} */
export const ticketCode = (id, seatId) => `${reservationPath(id)}/tickets/${seatId}/qr.svg`;

/** @type {(id: number) => string} */
export const ticketsFile = (id) => `${reservationPath(id)}/tickets.pdf`;

/**
 * Which gateway takes the money, and where its script is.
 * @type {() => Promise<Checkout>}
 */
export const paymentConfig = () => request("GET", "/api/payments/config");

/**
 * Charge a payment that the buyer has authenticated. This may be repeated: the server charges a payment only once.
 * @type {(payment: ConfirmPayment) => Promise<ReservationAnswer>}
 */
export const confirmPayment = (payment) =>
  request("POST", "/api/payments/confirm", { body: payment, timeoutMs: CONFIRM_TIMEOUT_MS });

/**
 * Give seats back for their money.
 * @type {(paymentId: number, seatIds: number[]) => Promise<unknown>}
 */
export const refund = (paymentId, seatIds) => postOnce(`/api/payments/${paymentId}/cancel`, { seatIds });

/**
 * When no answer comes, try again under the same key. If the server did the work before, it repeats its answer and
 * does not do the work twice.
 * @param {string} path
 * @param {object} body
 */
async function postOnce(path, body) {
  const headers = { "Idempotency-Key": newKey() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request("POST", path, { body, headers });
    } catch (error) {
      if (attempt === TRIES || !mayRepeat(error)) throw error;
      await pause(RETRY_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }
}

/** @param {unknown} error */
function mayRepeat(error) {
  return error instanceof NetworkError || LOST_ANSWERS.has(statusOf(error))
    || codeOf(error) === "IDEMPOTENT_REQUEST_IN_PROGRESS";
}

/** randomUUID would not do: it is missing where the page came over plain HTTP from another machine. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Wait.
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
