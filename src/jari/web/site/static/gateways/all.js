// @ts-check
// Every payment gateway that the checkout page can ask: a module for each, and a line here, under its name.

/** @import { Me, ReservationAnswer } from "../api/types.d.ts" */

import { toss } from "./toss.js";

/** @typedef {"payCancelled" | "payAborted" | "payTooLate" | "cardRefused" | "cardInvalid" | "cardLimit"} Reason */

/**
 * What the buyer is about to pay, and where the gateway is to send them back to.
 * @typedef {{ reservation: ReservationAnswer, buyer: Me | null, successUrl: string, failUrl: string }} Asked
 */

/**
 * @typedef {object} Gateway
 * @property {() => boolean} isLoaded whether its script has run
 * @property {(clientKey: string, asked: Asked) => Promise<void>} requestPayment leads to the gateway's own page;
 *   rejects with the gateway's error, with a `code`, when the buyer turned back before
 * @property {Readonly<Record<string, Reason>>} codes its own, of what a buyer did or can mend
 */

/** @type {Readonly<Record<string, Gateway>>} */
export const GATEWAYS = { toss };

/**
 * What a gateway's code means to the buyer; undefined for one that we have no words for.
 * @param {string} code
 */
export function reasonOf(code) {
  return Object.values(GATEWAYS).find(({ codes }) => Object.hasOwn(codes, code))?.codes[code];
}
