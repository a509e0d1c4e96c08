// @ts-check
// Where a payment ends that came to nothing. Tells why, that no money was taken, and how to go on. Changes nothing.

/** @import { ReservationAnswer } from "../api/types.d.ts" */

import { fetchReservation } from "../api/settlement.js";
import { copyTemplate, element, keepFocus, linkButton } from "../parts/elements.js";
import { writeTime } from "../parts/formats.js";
import { onLanguageChange } from "../parts/language.js";
import { explainCode, isTurnedBack } from "../parts/refusals.js";
import { stateOf } from "../parts/summary.js";
import { say } from "../parts/words.js";

const LONGEST_MESSAGE = 200;

/**
 * What the address says. Trust nothing of it.
 * @typedef {{ code: string, message: string, reservationId: number | null }} Decline
 */

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 */
export function openDecline(main) {
  const leaving = new AbortController();
  const decline = readDecline(new URLSearchParams(location.search));
  const { root, parts: { body } } = copyTemplate("owned-page", { body: HTMLElement });
  /** @type {ReservationAnswer | null} */
  let reservation = null;
  const draw = () => keepFocus(body, () => {
    document.title = `${say("notPaid")} · jari 자리`;
    body.replaceChildren(...reasons(decline, reservation), wayOn(decline, reservation));
  });
  main.replaceChildren(root);
  onLanguageChange(draw, leaving.signal);
  draw();
  look();
  return () => leaving.abort();

  /** Ask whether the seats are still held: only the server knows. */
  async function look() {
    if (decline.reservationId === null) return;
    try {
      reservation = await fetchReservation(decline.reservationId);
    } catch {
      return; // The links lead on without it.
    }
    if (!leaving.signal.aborted) draw();
  }
}

/**
 * @param {URLSearchParams} query
 * @returns {Decline}
 */
function readDecline(query) {
  const reservation = query.get("reservation") ?? "";
  return {
    code: query.get("code") ?? "",
    message: (query.get("message") ?? "").slice(0, LONGEST_MESSAGE),
    reservationId: /^\d{1,15}$/.test(reservation) ? Number(reservation) : null,
  };
}

/**
 * @param {Decline} decline
 * @param {ReservationAnswer | null} reservation
 */
function reasons({ code, message }, reservation) {
  const said = message || whatGatewaySaid(code, reservation);
  return [
    element("h1", {}, say("notPaid")),
    element("div", { className: "notice bad", role: "alert", "data-testid": "decline-reason", "data-code": code },
      element("p", { className: "strong" }, explainCode(code) ?? say("paymentRefused")),
      said !== "" && !isTurnedBack(code)
        ? element("p", { "data-testid": "gateway-message" }, say("gatewaySays", { message: said })) : ""),
    code === "PAYMENT_RETURNED" ? "" : element("p", {}, say("noMoneyTaken")),
  ];
}

/**
 * The gateway's words for a payment that it refused when it was to be charged.
 * @param {string} code
 * @param {ReservationAnswer | null} reservation
 */
function whatGatewaySaid(code, reservation) {
  return reservation?.payment?.code === code ? reservation.payment.message ?? "" : "";
}

/**
 * @param {Decline} decline
 * @param {ReservationAnswer | null} reservation
 */
function wayOn({ reservationId }, reservation) {
  const state = reservation && stateOf(reservation);
  const links = [];
  if (reservationId !== null && (state === null || state === "pending")) {
    links.push(linkButton(say("backToCheckout"), `/checkout/${reservationId}`, "checkout-link", "button primary"));
  } else if (state === "confirmed" || state === "paying") {
    links.push(linkButton(say("toReservation"), `/reservations/${reservationId}`, "reservation-link", "button primary"));
  }
  links.push(reservation
    ? linkButton(say("backToMap"), `/matches/${reservation.scheduleId}`, "seat-map-link")
    : linkButton(say("myReservations"), "/reservations", "reservations-link"));
  return element("div", { className: "way-on" },
    reservation ? stateSentence(reservation) : "", element("div", { className: "links" }, ...links));
}

/** @param {ReservationAnswer} reservation */
function stateSentence(reservation) {
  const state = stateOf(reservation);
  const { expiresAt } = reservation;
  return element("p", { "data-testid": "decline-state", "data-state": state },
    state === "pending" && expiresAt !== null
      ? say("heldUntil", { time: writeTime(expiresAt) }) : say(`${state}Notice`));
}
