// @ts-check
// The payment gateway's own script, and how it is asked for a payment.

/** @import { Checkout, Me, ReservationAnswer } from "./types.d.ts" */

import * as api from "./client.js";

const LOAD_TIMEOUT_MS = 20_000;

/** @type {Promise<Checkout | null> | null} */
let loading = null;

/** Thrown when the gateway's script did not come. */
export class GatewayUnreachable extends Error {}

/**
 * Load the gateway's script once. Returns null where no gateway is set up. Throws ApiError, NetworkError or
 * GatewayUnreachable; the next call then tries again.
 */
export function loadGateway() {
  loading ??= load().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/**
 * Send the buyer to the gateway's own page, which comes back to ours. Throws the gateway's error, with a `code`,
 * when the buyer turned back before.
 * @param {Checkout} gateway
 * @param {ReservationAnswer} reservation
 * @param {Me | null} buyer
 * @returns {Promise<void>}
 */
export function requestPayment({ clientKey }, reservation, buyer) {
  /** @param {"success" | "fail"} end */
  const way = (end) => `${location.origin}/checkout/${end}?reservation=${reservation.id}`;
  const toss = tossPayments();
  return toss(clientKey).payment({ customerKey: toss.ANONYMOUS }).requestPayment({
    method: "CARD",
    amount: { currency: reservation.currency, value: reservation.amount },
    orderId: reservation.orderId,
    orderName: reservation.orderName,
    successUrl: way("success"),
    failUrl: way("fail"),
    customerEmail: buyer?.email,
    customerName: buyer?.name,
  });
}

// What the gateway's script leaves on the window; undefined until it has run. Its types are its own.
// oxlint-disable-next-line no-restricted-globals
const tossPayments = () => /** @type {any} */ (window).TossPayments;

async function load() {
  let config;
  try {
    config = await api.paymentConfig();
  } catch (error) {
    if (api.statusOf(error) === 404) return null;
    throw error;
  }
  await insertScript(config.scriptUrl);
  return config;
}

/**
 * @param {string} url
 * @returns {Promise<void>}
 */
function insertScript(url) {
  const script = document.createElement("script");
  script.src = url;
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      script.remove();
      reject(new GatewayUnreachable(url));
    };
    const timer = setTimeout(giveUp, LOAD_TIMEOUT_MS);
    script.addEventListener("error", giveUp);
    script.addEventListener("load", () => {
      clearTimeout(timer);
      if (tossPayments()) resolve();
      else giveUp();
    });
    document.head.append(script);
  });
}
