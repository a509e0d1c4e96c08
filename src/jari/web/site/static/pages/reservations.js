// @ts-check
// My reservations, newest first.

/** @import { ReservationAnswer, ReservationsPart } from "../api/types.d.ts" */

import * as api from "../api/client.js";
import { correctClock } from "../api/clock.js";
import { button, element, linkButton } from "../parts/elements.js";
import { writeMoney } from "../parts/formats.js";
import { OwnedPage } from "../parts/owned.js";
import { occasion, stateBadge, stateOf } from "../parts/summary.js";
import { say } from "../parts/words.js";

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 */
export function openReservations(main) {
  const page = new OwnedPage(main, { load: () => fetchPart(), draw, reason: "logInToSee" });
  page.load();
  return () => page.close();

  /** @param {ReservationsPart} part */
  function draw({ items, next }) {
    document.title = `${say("myReservations")} · jari 자리`;
    return [
      element("h1", {}, say("myReservations")),
      items.length === 0 ? empty()
        : element("ul", { className: "reservations", "data-testid": "reservation-list" }, ...items.map(row)),
      next === null ? ""
        : button(say("showMore"), {
          testId: "show-more", className: "button wide", onClick: () => showMore(items, next),
        }),
    ];
  }

  /**
   * @param {ReservationAnswer[]} items
   * @param {number} next
   */
  async function showMore(items, next) {
    try {
      const more = await fetchPart(next);
      page.show({ items: [...items, ...more.items], next: more.next });
    } catch (error) {
      page.tell(error);
    }
  }
}

/** @param {number} [before] */
async function fetchPart(before) {
  const askedMs = Date.now();
  const answer = await api.reservations(before);
  if (answer.items.length > 0) correctClock(answer.items[0].serverTime, askedMs);
  return answer;
}

function empty() {
  return element("div", { className: "state bordered" },
    element("p", { className: "strong" }, say("noReservations")),
    linkButton(say("toList"), "/", "list-link"));
}

/** @param {ReservationAnswer} reservation */
function row(reservation) {
  const { id, title, seats, amount, currency } = reservation;
  return element("li", { className: "sheet", "data-testid": "reservation-row", "data-reservation-id": id },
    element("div", { className: "sheet-head" },
      element("h2", {}, element("a", { href: `/reservations/${id}` }, title)), stateBadge(reservation)),
    occasion(reservation),
    element("p", {}, say("seatCount", { count: seats.length }), " · ", writeMoney(amount, currency)),
    stateOf(reservation) === "pending"
      ? linkButton(say("continuePaying"), `/checkout/${id}`, "checkout-link", "button primary") : "");
}
