// @ts-check
// The payment gateway's own script, and how it is asked for a payment. Another gateway is a file in gateways/ and
// two lines here.

/** @import { Checkout, Me, ReservationAnswer } from "./types.d.ts" */

import * as api from "./client.js";
import { toss, TOSS_MEANINGS } from "./gateways/toss.js";

const LOAD_TIMEOUT_MS = 20_000;

/**
 * What a gateway is asked for. It sends the buyer to one of the two addresses, with what it knows of the payment.
 * @typedef {object} Order
 * @property {string} clientKey
 * @property {ReservationAnswer} reservation
 * @property {Me | null} buyer
 * @property {string} successUrl
 * @property {string} failUrl
 */

/**
 * A gateway as the page knows it: `isLoaded()` once its script has run, and `requestPayment` leads to its own page, or
 * throws its error, with a `code`, when the buyer turned back before.
 * @typedef {{ isLoaded: () => boolean, requestPayment: (order: Order) => Promise<void> }} Gateway
 */

/**
 * By the names that the server has for them.
 * @type {Record<string, Gateway>}
 */
const GATEWAYS = { toss };

/** What the codes of gateways mean to a buyer: the keys of the page's words. */
export const MEANINGS = /** @type {const} */ ({ ...TOSS_MEANINGS });

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
 * Send the buyer to the gateway's own page, which comes back to ours.
 * @param {Checkout} config
 * @param {ReservationAnswer} reservation
 * @param {Me | null} buyer
 */
export function requestPayment({ gateway, clientKey }, reservation, buyer) {
  const back = (/** @type {"success" | "fail"} */ end) =>
    `${location.origin}/checkout/${end}?reservation=${reservation.id}`;
  return GATEWAYS[gateway].requestPayment(
    { clientKey, reservation, buyer, successUrl: back("success"), failUrl: back("fail") });
}

async function load() {
  let config;
  try {
    config = await api.paymentConfig();
  } catch (error) {
    if (api.statusOf(error) === 404) return null;
    throw error;
  }
  if (!(config.gateway in GATEWAYS)) throw new Error(`The page does not know the gateway "${config.gateway}".`);
  await insertScript(config.scriptUrl, GATEWAYS[config.gateway]);
  return config;
}

/**
 * @param {string} url
 * @param {Gateway} gateway
 * @returns {Promise<void>}
 */
function insertScript(url, gateway) {
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
      if (gateway.isLoaded()) resolve();
      else giveUp();
    });
    document.head.append(script);
  });
}
