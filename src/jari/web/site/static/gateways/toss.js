// @ts-check
// Toss Payments on the checkout page: how its script is asked for a payment, and its codes for what a buyer did.

/** @import { Gateway } from "./all.js" */

/** What the script leaves on the window; undefined until it has run. Its types are its own. */
// oxlint-disable-next-line eslint/no-restricted-globals -- the only way to what another script defines
const script = () => /** @type {any} */ (window).TossPayments;

/** @type {Gateway} */
export const toss = {
  isLoaded: () => script() !== undefined,

  requestPayment(clientKey, { reservation, buyer, successUrl, failUrl }) {
    const payments = script();
    return payments(clientKey).payment({ customerKey: payments.ANONYMOUS }).requestPayment({
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

  codes: {
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
  },
};
