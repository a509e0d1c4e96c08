// @ts-check
// Asks what became of a payment until it is known. A payment whose outcome is unknown has not failed. So nothing here
// gives up by itself, and nothing says "failed" before the server does.

/** @import { ConfirmPayment, ReservationAnswer } from "./types.d.ts" */

import * as api from "./client.js";
import { correctClock } from "./clock.js";

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 10_000;
const SLOWER_BY = 1.5;
const BUSY = new Set(["PAYMENT_IN_PROGRESS", "IDEMPOTENT_REQUEST_IN_PROGRESS"]);

/**
 * Tells why it takes longer.
 * @typedef {(why: "checking" | "unreachable") => void} OnWait
 */

/**
 * A reservation as the server has it now; sets our idea of the server's clock by it.
 * @param {number} id
 */
export async function fetchReservation(id) {
  const askedMs = Date.now();
  const reservation = await api.reservation(id);
  correctClock(reservation.serverTime, askedMs);
  return reservation;
}

/**
 * Have a payment charged, and wait until it is known what became of it. Returns the reservation, or throws the
 * ApiError that says that nothing was charged.
 * @param {ConfirmPayment} payment
 * @param {{ onWait: OnWait, signal: AbortSignal }} waiting
 */
export async function settle(payment, waiting) {
  const reservation = await persist(() => api.confirmPayment(payment), waiting);
  return awaitSettlement(reservation, waiting);
}

/**
 * Wait until a payment under way has ended; returns the reservation as it is then.
 * @param {ReservationAnswer} reservation
 * @param {{ onWait?: OnWait, signal: AbortSignal }} waiting
 */
export async function awaitSettlement(reservation, { onWait = () => {}, signal }) {
  let latest = reservation;
  for (let tries = 0; isUnderWay(latest); tries += 1) {
    onWait("checking");
    await pauseBetween(tries, signal);
    latest = await persist(() => fetchReservation(reservation.id), { onWait, signal });
  }
  return latest;
}

/**
 * Is a payment of the reservation under way?
 * @param {ReservationAnswer} reservation
 */
export const isUnderWay = ({ payment }) => payment?.status === "CONFIRMING";

/**
 * Wait between one question and the next, longer each time. Throws when the signal aborts.
 * @param {number} tries
 * @param {AbortSignal} signal
 */
export const pauseBetween = (tries, signal) => pauseFor(waitMs(tries), signal);

/**
 * Ask until there is an answer that settles something.
 * @param {() => Promise<ReservationAnswer>} ask
 * @param {{ onWait: OnWait, signal: AbortSignal }} waiting
 */
async function persist(ask, { onWait, signal }) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await ask();
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!isOpen(error)) throw error;
      onWait(BUSY.has(api.codeOf(error)) ? "checking" : "unreachable");
      const askedToWaitMs = error instanceof api.ApiError ? error.retryAfterSeconds * 1000 : 0;
      await pauseFor(Math.max(waitMs(tries), askedToWaitMs), signal);
    }
  }
}

/**
 * Does an error leave open what became of the request? A refusal settles it; a fault on the way does not.
 * @param {unknown} error
 */
function isOpen(error) {
  const status = api.statusOf(error);
  return error instanceof api.NetworkError || status >= 500 || status === 429 || BUSY.has(api.codeOf(error));
}

/** @param {number} tries */
function waitMs(tries) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * SLOWER_BY ** tries);
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
async function pauseFor(milliseconds, signal) {
  await api.pause(milliseconds);
  signal.throwIfAborted();
}
