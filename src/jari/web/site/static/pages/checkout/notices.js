// @ts-check
// What a buyer should know who pays or can no longer pay, and where to go on.

/** @import { ReservationAnswer } from "../../api/types.d.ts" */
/** @import { State } from "../../parts/summary.js" */

import { isOfCall } from "../../api/client.js";
import { GatewayUnreachable } from "../../api/gateway.js";
import { element, linkButton } from "../../parts/elements.js";
import { waitElements } from "../../parts/owned.js";
import { explain, explainCode } from "../../parts/refusals.js";
import { isReturned } from "../../parts/summary.js";
import { say } from "../../parts/words.js";

/**
 * Why there is nothing to be paid.
 * @param {Exclude<State, "pending">} state
 * @param {ReservationAnswer} reservation
 */
export function closedNotice(state, reservation) {
  if (state === "paying") return element("div", { className: "state waiting" }, ...waitElements("checking"));
  const leadsToReservation = state === "confirmed" || reservation.refunds.length > 0;
  return element("div", { className: "notice", "data-testid": "checkout-notice", "data-state": state },
    element("p", { className: "strong" }, say(`${state}Notice`)),
    isReturned(reservation) ? element("p", {}, say("moneyComesBack")) : "",
    leadsToReservation
      ? linkButton(say("toReservation"), `/reservations/${reservation.id}`, "reservation-link", "button primary")
      : linkButton(say("backToMap"), `/matches/${reservation.scheduleId}`, "seat-map-link", "button primary"));
}

/**
 * Why the last try to pay came to nothing.
 * @param {ReservationAnswer} reservation
 */
export function lastRefusal({ payment }) {
  if (payment?.status !== "FAILED") return "";
  const reason = explainCode(payment.code ?? "") ?? payment.message ?? "";
  return element("p", { className: "notice bad", "data-testid": "last-refusal" }, say("lastRefusal", { reason }));
}

/**
 * One sentence for what went wrong on the way to the gateway's page.
 * @param {unknown} error
 */
export function explainPay(error) {
  if (error instanceof GatewayUnreachable) return say("gatewayUnreachable");
  if (isOfCall(error)) return explain(error);
  // The gateway's script rejects with errors of its own, which have a code.
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return explainCode(code) ?? explain(error);
}
