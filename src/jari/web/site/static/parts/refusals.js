// @ts-check
// What to tell the buyer when the server said no, or nothing.

import { ApiError, NetworkError } from "../api/client.js";
import { reasonOf } from "../gateways/all.js";
import { say } from "./words.js";

const WORDS = /** @type {const} */ ({
  SALE_NOT_OPEN: "saleNotOpen",
  NOT_YOUR_SEATS: "notYourSeats",
  EMAIL_TAKEN: "emailTaken",
  WRONG_CREDENTIALS: "wrongCredentials",
  UNAUTHENTICATED: "sessionEnded",
  NOTHING_HELD: "nothingHeld",
  SEATS_TAKEN: "seatsGone",
  RESERVATION_CLOSED: "reservationClosed",
  RESERVATION_EXPIRED: "reservationExpired",
  PAYMENT_IN_PROGRESS: "paymentInProgress",
  PAYMENT_REFUSED: "paymentRefused",
  PAYMENT_RETURNED: "paymentReturned",
  AMOUNT_MISMATCH: "amountMismatch",
  NOT_REFUNDABLE: "notRefundable",
  UNAVAILABLE: "unavailable",
});

const USUAL_WAIT_SECONDS = 60;
const USUAL_REST_SECONDS = 300;

/**
 * One sentence for an error of the API, or for a fault of the page's own.
 * @param {unknown} error
 */
export function explain(error) {
  if (error instanceof NetworkError) return say("noAnswer");
  if (!(error instanceof ApiError)) return say("failed", { detail: messageOf(error) });
  const { code, status, retryAfterSeconds } = error;
  if (status === 429) return say("tooManyTries", { seconds: retryAfterSeconds || USUAL_WAIT_SECONDS });
  if (code === "KEPT_TOO_LONG") {
    return say("keptTooLong", { minutes: Math.ceil((retryAfterSeconds || USUAL_REST_SECONDS) / 60) });
  }
  return explainCode(code) ?? say("failed", { detail: error.message });
}

/**
 * One sentence for a code of ours or of the gateway; undefined for one that we have no words for.
 * @param {string} code
 */
export function explainCode(code) {
  const key = isKnown(code) ? WORDS[code] : reasonOf(code);
  return key && say(key);
}

/**
 * Whether a gateway's code says that the buyer turned back.
 * @param {string} code
 */
export const isTurnedBack = (code) => reasonOf(code) === "payCancelled";

/**
 * @param {string} code
 * @returns {code is keyof typeof WORDS}
 */
const isKnown = (code) => Object.hasOwn(WORDS, code);

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
