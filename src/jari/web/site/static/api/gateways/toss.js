// @ts-check
// Toss Payments: its standard window, by redirect. Its script leaves `TossPayments` on the window.

/** @import { Gateway } from "../gateway.js" */

// Its types are its own.
// oxlint-disable-next-line no-restricted-globals
const tossPayments = () => /** @type {any} */ (window).TossPayments;

/** What its codes mean to a buyer: the keys of the page's words. */
export const TOSS_MEANINGS = /** @type {const} */ ({
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
});

/** @type {Gateway} */
export const toss = {
  isLoaded: () => Boolean(tossPayments()),

  requestPayment({ clientKey, reservation, buyer, successUrl, failUrl }) {
    const start = tossPayments();
    return start(clientKey).payment({ customerKey: start.ANONYMOUS }).requestPayment({
      method: "CARD",
      amount: { currency: reservation.currency, value: reservation.amount },
      orderId: reservation.orderId,
      orderName: reservation.orderName,
      successUrl,
      failUrl,
      customerEmail: buyer?.email,
      customerName: buyer?.name,
    });
  },
};
