// Where a payment that came to nothing ends: why, that no money was taken, and how to go on. Changes nothing.

import { copyTemplate, element, keepFocus, linkButton } from "../parts/elements.js";
import { explainCode } from "../parts/refusals.js";
import { fetchReservation } from "../api/settlement.js";
import { stateOf } from "../parts/summary.js";
import { onLanguageChange, say, writeTime } from "../parts/words.js";

const LONGEST_MESSAGE = 200;

/** Show the page in `main`; returns a function that leaves it. */
export function openDecline(main) {
  const leaving = new AbortController();
  const decline = readDecline(new URLSearchParams(location.search));
  const { root, parts: { body } } = copyTemplate("owned-page");
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

  /** Whether the seats are still held, only the server knows. */
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

function readDecline(query) {
  const reservation = query.get("reservation") ?? "";
  return {
    code: query.get("code") ?? "",
    message: (query.get("message") ?? "").slice(0, LONGEST_MESSAGE),
    reservationId: /^\d{1,18}$/.test(reservation) ? reservation : null,
  };
}

function reasons({ code, message }, reservation) {
  const known = explainCode(code);
  const said = message || whatGatewaySaid(code, reservation);
  return [
    element("h1", {}, say("notPaid")),
    element("div", { className: "notice bad", role: "alert", "data-testid": "decline-reason", "data-code": code },
      element("p", { className: "strong" }, known ?? say("paymentRefused")),
      said && code !== "PAY_PROCESS_CANCELED"
        ? element("p", { "data-testid": "gateway-message" }, say("gatewaySays", { message: said })) : ""),
    code === "PAYMENT_RETURNED" ? "" : element("p", {}, say("noMoneyTaken")),
  ];
}

/** The gateway's words for a payment that it refused when it was to be charged. */
function whatGatewaySaid(code, reservation) {
  return reservation?.payment?.code === code ? reservation.payment.message : "";
}

function wayOn({ reservationId }, reservation) {
  const links = [];
  const state = reservation ? stateOf(reservation) : "";
  if (reservationId !== null && (state === "" || state === "pending")) {
    links.push(linkButton(say("backToCheckout"), `/checkout/${reservationId}`, "checkout-link", "button primary"));
  } else if (reservation && (state === "confirmed" || state === "paying")) {
    const path = `/reservations/${reservationId}`;
    links.push(linkButton(say("toReservation"), path, "reservation-link", "button primary"));
  }
  links.push(reservation
    ? linkButton(say("backToMap"), `/matches/${reservation.scheduleId}`, "seat-map-link")
    : linkButton(say("myReservations"), "/reservations", "reservations-link"));
  const sentence = state ? stateSentence(state, reservation) : "";
  return element("div", { className: "way-on" },
    state ? element("p", { "data-testid": "decline-state", "data-state": state }, sentence) : "",
    element("div", { className: "links" }, ...links));
}

function stateSentence(state, { expiresAt }) {
  return state === "pending" ? say("heldUntil", { time: writeTime(expiresAt) }) : say(`${state}Notice`);
}
