// @ts-check
// Where the gateway sends a buyer who has authenticated a payment. The address alone changes nothing, since another
// site can lead anybody here. This page asks the server to charge, and waits until it is known what became of that.

/** @import { ConfirmPayment, ReservationAnswer } from "../api/types.d.ts" */

import { ApiError } from "../api/client.js";
import { settle } from "../api/settlement.js";
import { goInstead } from "../parts/navigation.js";
import { OwnedPage } from "../parts/owned.js";
import { say } from "../parts/words.js";

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 */
export function openConfirmation(main) {
  const query = new URLSearchParams(location.search);
  const payment = readPayment(query);
  if (payment === null) {
    goInstead("/reservations"); // There is nothing to confirm; that page tells what became of everything.
    return () => {};
  }
  /** @type {OwnedPage<null>} */
  const page = new OwnedPage(main, { load: () => load(payment), draw: () => [], reason: "logInToConfirm" });
  document.title = `${say("confirming")} · jari 자리`;
  page.load();
  return () => page.close();

  /** @param {ConfirmPayment} authenticated */
  async function load(authenticated) {
    page.wait("confirming");
    try {
      conclude(await settle(authenticated, { onWait: (why) => page.wait(why), signal: page.signal }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      showDecline(error.gatewayCode || error.code, error.reservationId ?? query.get("reservation"));
    }
    return null;
  }
}

/** @param {URLSearchParams} query */
function readPayment(query) {
  const paymentKey = query.get("paymentKey");
  const orderId = query.get("orderId");
  const amount = Number(query.get("amount") || Number.NaN);
  return paymentKey && orderId && Number.isSafeInteger(amount) ? { paymentKey, orderId, amount } : null;
}

/**
 * Take the payment out of the address bar only now: until here, loading the page anew asks again.
 * @param {ReservationAnswer} reservation
 */
function conclude({ id, payment }) {
  if (payment?.status === "FAILED") showDecline(payment.code ?? "", id);
  else goInstead(`/reservations/${id}?new=1`);
}

/**
 * @param {string} code
 * @param {number | string | null} reservationId
 */
function showDecline(code, reservationId) {
  const query = new URLSearchParams({ code });
  if (reservationId) query.set("reservation", String(reservationId));
  goInstead(`/checkout/fail?${query}`);
}
