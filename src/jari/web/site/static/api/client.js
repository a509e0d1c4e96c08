// The HTTP API: one function per call. Success gives `data`; a refusal throws ApiError; no answer, NetworkError.

const TIMEOUT_MS = 15_000;
const LAYOUT_TIMEOUT_MS = 60_000;
const CONFIRM_TIMEOUT_MS = 60_000; // the server asks the gateway meanwhile, and waits for it
const TRIES = 4;
const RETRY_MS = 500;
const LOST_ANSWERS = new Set([502, 504]); // A proxy got no answer either.

/** The server refused; `code` is stable, the message is a sentence, `seatIds` the seats concerned. Of a payment,
 * `gatewayCode` is the gateway's own word for why, and `reservationId` what was to be paid. */
export class ApiError extends Error {
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

async function request(method, path, { body, headers = {}, timeoutMs = TIMEOUT_MS } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  options.signal = AbortSignal.timeout(timeoutMs);
  let response;
  let answer;
  try {
    response = await fetch(path, options);
    answer = await response.text();
  } catch (error) {
    throw new NetworkError(String(error));
  }
  const parsed = parse(answer);
  if (!response.ok) throw new ApiError(response.status, parsed ?? {}, Number(response.headers.get("Retry-After")) || 0);
  if (parsed === null) throw new NetworkError(`no JSON in the answer to ${method} ${path}`);
  return parsed.data;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // A proxy's error page, or an answer that was cut off.
  }
}

const schedulePath = (id) => `/api/schedules/${encodeURIComponent(id)}`;
const reservationPath = (id) => `/api/reservations/${encodeURIComponent(id)}`;

export const signUp = (email, password, name) => request("POST", "/api/sign-up", { body: { email, password, name } });
export const logIn = (email, password) => request("POST", "/api/log-in", { body: { email, password } });
export const logOut = () => request("POST", "/api/log-out", { body: {} });
export const logOutEverywhere = () => request("POST", "/api/log-out-everywhere", { body: {} });
export const changePassword = (password, newPassword) =>
  request("POST", "/api/password", { body: { password, newPassword } });

/** The account that is logged in, or null. */
export async function me() {
  try {
    return await request("GET", "/api/me");
  } catch (error) {
    if (error.status === 401) return null;
    throw error;
  }
}

export const schedules = (page) => request("GET", `/api/schedules?page=${page}`);
export const schedule = (id) => request("GET", schedulePath(id));
export const blocks = (id) => request("GET", `${schedulePath(id)}/blocks`);
export const seats = (id) => request("GET", `${schedulePath(id)}/seats`, { timeoutMs: LAYOUT_TIMEOUT_MS });
export const allocations = (id) => request("GET", `${schedulePath(id)}/allocations`);

/** Give own seats back. */
export function release(id, seatIds) {
  const query = seatIds.map((seatId) => `seatId=${encodeURIComponent(seatId)}`).join("&");
  return request("DELETE", `${schedulePath(id)}/allocations?${query}`);
}

/** Hold seats, all or none. */
export const hold = (id, seatIds) => postOnce(`${schedulePath(id)}/allocations`, { seatIds });

/** Make a reservation of the seats that we hold. */
export const reserve = (scheduleId) => postOnce("/api/reservations", { scheduleId });
/** A page of our reservations, newest first: those before an id, or the first. */
export const reservations = (before) => request("GET", `/api/reservations${before ? `?before=${before}` : ""}`);
export const reservation = (id) => request("GET", reservationPath(id));
export const cancelReservation = (id) => postOnce(`${reservationPath(id)}/cancel`, {});
export const ticketCode = (id, seatId) => `${reservationPath(id)}/tickets/${encodeURIComponent(seatId)}/qr.svg`;
export const ticketsFile = (id) => `${reservationPath(id)}/tickets.pdf`;

/** Which gateway takes the money, and where its script is. */
export const paymentConfig = () => request("GET", "/api/payments/config");

/** Have a payment charged that the buyer has authenticated. May be repeated: a payment is charged only once. */
export const confirmPayment = (payment) =>
  request("POST", "/api/payments/confirm", { body: payment, timeoutMs: CONFIRM_TIMEOUT_MS });

/** Give seats back for their money. */
export const refund = (paymentId, seatIds) =>
  postOnce(`/api/payments/${encodeURIComponent(paymentId)}/cancel`, { seatIds });

/** Tries again under the same key when no answer came, so that what was done without our hearing of it is
 * answered again instead of being done twice. */
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

function mayRepeat(error) {
  return error instanceof NetworkError || LOST_ANSWERS.has(error.status)
    || error.code === "IDEMPOTENT_REQUEST_IN_PROGRESS";
}

function newKey() {
  // randomUUID is missing where the page came over plain HTTP from another machine.
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Wait. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
