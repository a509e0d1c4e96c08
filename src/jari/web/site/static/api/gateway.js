// @ts-check
// Loads the payment gateway's own script, and asks it for a payment.

/** @import { Checkout, Me, ReservationAnswer } from "./types.d.ts" */

import * as api from "./client.js";
import { GATEWAYS } from "../gateways/all.js";

const LOAD_TIMEOUT_MS = 20_000;

/** @type {Promise<Checkout | null> | null} */
let loading = null;

/** The gateway's script did not load, or the page does not know the gateway. */
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
 * Send the buyer to the gateway's own page, which comes back to ours. Throws the gateway's error, which has a `code`,
 * if the buyer turns back.
 * @param {Checkout} checkout
 * @param {ReservationAnswer} reservation
 * @param {Me | null} buyer
 * @returns {Promise<void>}
 */
export function requestPayment({ gateway, clientKey }, reservation, buyer) {
  /** @param {"success" | "fail"} end */
  const way = (end) => `${location.origin}/checkout/${end}?reservation=${reservation.id}`;
  const asked = { reservation, buyer, successUrl: way("success"), failUrl: way("fail") };
  return known(gateway).requestPayment(clientKey, asked);
}

/** @param {string} name */
function known(name) {
  const gateway = GATEWAYS[name];
  if (!gateway) throw new GatewayUnreachable(name);
  return gateway;
}

async function load() {
  let config;
  try {
    config = await api.paymentConfig();
  } catch (error) {
    if (api.statusOf(error) === 404) return null;
    throw error;
  }
  await insertScript(config.scriptUrl, known(config.gateway).isLoaded);
  return config;
}

/**
 * @param {string} url
 * @param {() => boolean} isLoaded
 * @returns {Promise<void>}
 */
function insertScript(url, isLoaded) {
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
      if (isLoaded()) resolve();
      else giveUp();
    });
    document.head.append(script);
  });
}
