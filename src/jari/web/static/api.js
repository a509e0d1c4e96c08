// The HTTP API: one function per call. Success gives `data`; a refusal throws ApiError; no answer, NetworkError.

const TIMEOUT_MS = 15_000;
const LAYOUT_TIMEOUT_MS = 60_000;
const HOLD_TRIES = 4;
const HOLD_RETRY_MS = 500;
const LOST_ANSWERS = [502, 504]; // A proxy got no answer either.

/** The server refused; `code` is stable, `detail` is a sentence, `seatIds` the seats concerned. */
export class ApiError extends Error {
  constructor(status, problem, retryAfterSeconds) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    this.seatIds = problem.seatIds ?? [];
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

export const signUp = (email, password, name) => request("POST", "/api/sign-up", { body: { email, password, name } });
export const logIn = (email, password) => request("POST", "/api/log-in", { body: { email, password } });
export const logOut = () => request("POST", "/api/log-out", { body: {} });

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

/** Hold seats, all or none. Tries again under the same key when no answer came, so that a hold which was
 * taken without our hearing of it is answered again instead of being taken twice. */
export async function hold(id, seatIds) {
  const headers = { "Idempotency-Key": newKey() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request("POST", `${schedulePath(id)}/allocations`, { body: { seatIds }, headers });
    } catch (error) {
      if (attempt === HOLD_TRIES || !mayRepeat(error)) throw error;
      await pause(HOLD_RETRY_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }
}

function mayRepeat(error) {
  return error instanceof NetworkError || LOST_ANSWERS.includes(error.status)
    || error.code === "IDEMPOTENT_REQUEST_IN_PROGRESS";
}

function newKey() {
  // randomUUID is missing where the page came over plain HTTP from another machine.
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
