// @ts-check
// Tickets: one card for each seat, with the code that is read at the door.

/** @import { ReservationAnswer, SeatOfReservation } from "../api/types.d.ts" */

import * as api from "../api/client.js";
import { element } from "./elements.js";
import { writeMoment } from "./formats.js";
import { placeOf } from "./summary.js";
import { say } from "./words.js";

const CODE_PIXELS = 232; // a ticket is a dense code, and a reader at the door is in a hurry

/**
 * The tickets of a paid reservation; a refunded seat has none.
 * @param {ReservationAnswer} reservation
 */
export function ticketCards(reservation) {
  const seats = reservation.seats.filter(({ refunded }) => !refunded);
  return element("ul", { className: "tickets", "data-testid": "tickets" },
    ...seats.map((seat) => ticketCard(reservation, seat)));
}

/**
 * @param {ReservationAnswer} reservation
 * @param {SeatOfReservation} seat
 */
function ticketCard(reservation, seat) {
  const place = placeOf(seat);
  return element("li", {
    className: `ticket ${seat.checkedInAt === null ? "" : "used"}`, "data-testid": "ticket", "data-seat-id": seat.id,
  },
  element("img", {
    className: "ticket-code", src: api.ticketCode(reservation.id, seat.id), alt: say("ticketCode", { seat: place }),
    width: CODE_PIXELS, height: CODE_PIXELS, "data-testid": "ticket-code",
  }),
  element("div", { className: "ticket-place" },
    element("small", {}, seat.section),
    element("strong", {}, place),
    element("span", { className: "muted" }, seat.grade),
    seat.checkedInAt === null ? "" : element("span", { className: "badge closed", "data-testid": "ticket-used" },
      say("usedAt", { when: writeMoment(seat.checkedInAt) }))));
}
