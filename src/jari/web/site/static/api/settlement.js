// What became of a payment: asked for until it is known. Not to know is not to have failed, so nothing here gives
// up by itself, and nothing says "failed" before the server has.

import * as api from "./client.js";
import { correctClock } from "./clock.js";

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 10_000;
const SLOWER_BY = 1.5;
const BUSY = new Set(["PAYMENT_IN_PROGRESS", "IDEMPOTENT_REQUEST_IN_PROGRESS"]);

/** A reservation as the server has it now; sets our idea of the server's clock by it. */
export async function fetchReservation(id) {
  const askedMs = Date.now();
  const reservation = await api.reservation(id);
  correctClock(reservation.serverTime, askedMs);
  return reservation;
}

/** Have a payment charged, and wait until it is known what became of it. `onWait("checking" | "unreachable")` tells
 * why it takes longer. Returns the reservation; throws the ApiError that says that nothing was charged. */
export async function settle(payment, { onWait, signal }) {
  const reservation = await persist(() => api.confirmPayment(payment), { onWait, signal });
  return awaitSettlement(reservation, { onWait, signal });
}

/** Wait until a payment under way has ended; returns the reservation as it is then. */
export async function awaitSettlement(reservation, { onWait = () => {}, signal }) {
  let latest = reservation;
  for (let tries = 0; isUnderWay(latest); tries += 1) {
    onWait("checking");
    await pauseFor(waitMs(tries), signal);
    latest = await persist(() => fetchReservation(reservation.id), { onWait, signal });
  }
  return latest;
}

/** Is a payment of the reservation under way? */
export const isUnderWay = ({ payment }) => payment?.status === "CONFIRMING";

/** Wait between one question and the next, longer each time. Throws when the signal aborts. */
export const pauseBetween = (tries, signal) => pauseFor(waitMs(tries), signal);

/** Ask until there is an answer that settles something. */
async function persist(ask, { onWait, signal }) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await ask();
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!isOpen(error)) throw error;
      onWait(BUSY.has(error.code) ? "checking" : "unreachable");
      await pauseFor(Math.max(waitMs(tries), (error.retryAfterSeconds ?? 0) * 1000), signal);
    }
  }
}

/** Does an error leave open what became of the request? A refusal settles it; a fault on the way does not. */
function isOpen(error) {
  return error instanceof api.NetworkError || error.status >= 500 || error.status === 429
    || BUSY.has(error.code);
}

function waitMs(tries) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * SLOWER_BY ** tries);
}

async function pauseFor(milliseconds, signal) {
  await api.pause(milliseconds);
  signal.throwIfAborted();
}
