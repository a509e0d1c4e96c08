// What to tell the buyer when the server said no, or nothing.

import { NetworkError } from "../api/client.js";
import { say } from "./words.js";

const WORDS = {
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
  // The gateway's own codes, of what a buyer did or can mend.
  PAY_PROCESS_CANCELED: "payCancelled",
  USER_CANCEL: "payCancelled",
  PAY_PROCESS_ABORTED: "payAborted",
  REJECT_CARD_PAYMENT: "cardRefused",
  REJECT_CARD_COMPANY: "cardRefused",
  INVALID_CARD_EXPIRATION: "cardInvalid",
  INVALID_STOPPED_CARD: "cardInvalid",
  INVALID_CARD_LOST_OR_STOLEN: "cardInvalid",
  EXCEED_MAX_DAILY_PAYMENT_COUNT: "cardLimit",
  EXCEED_MAX_PAYMENT_AMOUNT: "cardLimit",
  EXCEED_MAX_AMOUNT: "cardLimit",
  NOT_FOUND_PAYMENT_SESSION: "payTooLate",
};

/** One sentence for an error of the API. */
export function explain(error) {
  if (error instanceof NetworkError) return say("noAnswer");
  if (error.status === 429) return say("tooManyTries", { seconds: error.retryAfterSeconds || 60 });
  if (error.code === "KEPT_TOO_LONG") {
    return say("keptTooLong", { minutes: Math.ceil((error.retryAfterSeconds || 300) / 60) });
  }
  return explainCode(error.code) ?? say("failed", { detail: error.message });
}

/** One sentence for a code of ours or of the gateway; undefined for one that we have no words for. */
export function explainCode(code) {
  return Object.hasOwn(WORDS, code) ? say(WORDS[code]) : undefined;
}
