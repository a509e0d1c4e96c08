// @ts-check
// A reservation in short, as several pages show it: its state, the occasion, its seats, what they cost.

/** @import { ReservationAnswer, SeatOfReservation } from "../api/types.d.ts" */

import { nowMs } from "../api/clock.js";
import { isUnderWay } from "../api/settlement.js";
import { element } from "./elements.js";
import { writeMoment, writeMoney } from "./formats.js";
import { say } from "./words.js";

/** @typedef {"pending" | "paying" | "confirmed" | "cancelled" | "refunded" | "expired"} State */

const STATES = /** @type {const} */ ({ CONFIRMED: "confirmed", CANCELLED: "cancelled", EXPIRED: "expired" });
/** @type {Partial<Record<State, string>>} */
const TONES = { confirmed: "open", pending: "waiting", paying: "waiting" };

/**
 * What has become of it, by the server's clock.
 * @param {ReservationAnswer} reservation
 * @returns {State}
 */
export function stateOf(reservation) {
  if (isUnderWay(reservation)) return "paying";
  if (reservation.status === "PENDING") return secondsLeft(reservation) > 0 ? "pending" : "expired";
  const isRefunded = reservation.status === "CANCELLED" && reservation.seats.every(({ refunded }) => refunded);
  return isRefunded ? "refunded" : STATES[reservation.status];
}

/**
 * Did a payment come when the seats were gone, so that all of it goes back? Such a refund is of no seats.
 * @param {ReservationAnswer} reservation
 */
export const isReturned = ({ status, refunds }) =>
  status !== "CONFIRMED" && refunds.some(({ seatIds }) => seatIds.length === 0);

/**
 * Seconds until the time to pay is over; Infinity where it does not run.
 * @param {ReservationAnswer} reservation
 */
export function secondsLeft({ expiresAt }) {
  return expiresAt === null ? Infinity : Math.max(0, Math.ceil((Date.parse(expiresAt) - nowMs()) / 1000));
}

/**
 * The state in a word or two.
 * @param {ReservationAnswer} reservation
 */
export function stateBadge(reservation) {
  const state = stateOf(reservation);
  return element("span", {
    className: `badge ${TONES[state] ?? "closed"}`, "data-testid": "reservation-state", "data-state": state,
  }, say(`${state}State`));
}

/**
 * Where and when.
 * @param {{ venueName: string, startsAt: string }} schedule
 */
export function occasion({ venueName, startsAt }) {
  return element("p", { className: "muted" }, venueName, " · ",
    element("time", { dateTime: startsAt }, writeMoment(startsAt)));
}

/**
 * "Block 113, row 7, seat 12"
 * @param {SeatOfReservation} seat
 */
export const placeOf = ({ block, rowLabel, seatLabel }) => say("seat", { block, row: rowLabel, seat: seatLabel });

/**
 * The seats with their prices; refunded ones struck through.
 * @param {ReservationAnswer} reservation
 */
export function seatRows({ seats, currency }) {
  return element("ul", { className: "seats", "data-testid": "reserved-seats" },
    ...seats.map((seat) => seatRow(seat, currency)));
}

/**
 * @param {SeatOfReservation} seat
 * @param {string} currency
 */
function seatRow(seat, currency) {
  // Struck through for the eye; the word is for those who hear the page.
  /** @param {string} text */
  const strike = (text) => (seat.refunded ? element("s", {}, text) : text);
  return element("li", {
    className: seat.refunded ? "refunded" : "", "data-testid": "reserved-seat", "data-seat-id": seat.id,
  },
  element("span", { className: "seat-place" }, strike(placeOf(seat)),
    element("small", {}, seat.refunded ? `${seat.grade} · ${say("refundedSeat")}` : seat.grade)),
  element("b", {}, strike(writeMoney(seat.price, currency))));
}

/**
 * What it costs, and what of that went back or is on its way.
 * @param {ReservationAnswer} reservation
 */
export function totalRows({ amount, currency, refunds }) {
  const refunded = refunds.reduce((sum, refund) => sum + refund.amount, 0);
  /** @type {(name: string, money: number, testId: string) => HTMLElement} */
  const row = (name, money, testId) =>
    element("p", { className: "total" }, name, element("b", { "data-testid": testId }, writeMoney(money, currency)));
  return [
    row(say("total"), amount, "reservation-total"),
    ...(refunded > 0 ? [row(say("refundTitle"), -refunded, "refunded-total")] : []),
  ];
}
