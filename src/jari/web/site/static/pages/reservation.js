// @ts-check
// One reservation: its tickets once it is paid, what was paid and given back, and the way to a refund.

/** @import { ReservationAnswer } from "../api/types.d.ts" */
/** @import { State } from "../parts/summary.js" */

import * as api from "../api/client.js";
import { nowMs } from "../api/clock.js";
import { awaitSettlement, fetchReservation, isUnderWay, pauseBetween } from "../api/settlement.js";
import { button, element, linkButton } from "../parts/elements.js";
import { writeMoment, writeMoney } from "../parts/formats.js";
import { announce } from "../parts/message.js";
import { OwnedPage } from "../parts/owned.js";
import { askForRefund } from "../parts/refund.js";
import { isReturned, occasion, seatRows, stateBadge, stateOf, totalRows } from "../parts/summary.js";
import { ticketCards } from "../parts/tickets.js";
import { say } from "../parts/words.js";

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 * @param {number} reservationId
 */
export function openReservation(main, reservationId) {
  const opened = new ReservationPage(main, reservationId);
  return () => opened.page.close();
}

class ReservationPage {
  #isNew = new URLSearchParams(location.search).has("new");
  #isFollowing = false;

  /**
   * @param {HTMLElement} main
   * @param {number} reservationId
   */
  constructor(main, reservationId) {
    this.reservationId = reservationId;
    // Tell the news once: a buyer who loads the page again, or keeps its address, knows it.
    if (this.#isNew) history.replaceState(null, "", location.pathname);
    /** @type {OwnedPage<ReservationAnswer>} */
    this.page = new OwnedPage(main, {
      load: () => this.#load(),
      draw: (reservation) => this.#draw(reservation),
      reason: "logInToSee",
    });
    document.addEventListener("visibilitychange", () => this.#lookAgain(), { signal: this.page.signal });
    this.page.load();
  }

  async #load() {
    const reservation = await fetchReservation(this.reservationId);
    if (isUnderWay(reservation) || isOwing(reservation)) this.#follow(reservation);
    return reservation;
  }

  #lookAgain() {
    if (!document.hidden && this.page.shown) this.page.refresh();
  }

  /**
   * Wait for what is under way: a payment, or money that is on its way back.
   * @param {ReservationAnswer} underWay
   */
  async #follow(underWay) {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const { signal } = this.page;
    try {
      let latest = await awaitSettlement(underWay, { signal });
      for (let tries = 0; isOwing(latest); tries += 1) {
        await pauseBetween(tries, signal);
        latest = await fetchReservation(this.reservationId);
        if (isOwing(latest)) this.page.show(latest);
      }
      this.page.show(latest);
    } catch {
      // What is shown stays; coming back to the page asks again.
    } finally {
      this.#isFollowing = false;
    }
  }

  /**
   * @param {number} paymentId
   * @param {number[]} seatIds
   */
  async #refund(paymentId, seatIds) {
    await api.refund(paymentId, seatIds);
    this.#isNew = false;
    announce(say("refundAsked"), "good");
    await this.page.refresh();
  }

  // What is shown

  /** @param {ReservationAnswer} reservation */
  #draw(reservation) {
    document.title = `${reservation.title} · jari 자리`;
    const state = stateOf(reservation);
    return [
      linkButton(say("allReservations"), "/reservations", "reservations-link", "back-link"),
      element("div", { className: "sheet-head" }, element("h1", {}, reservation.title), stateBadge(reservation)),
      occasion(reservation),
      this.#isNew && state === "confirmed" ? paidNotice() : "",
      state === "confirmed" ? "" : stateNotice(state, reservation),
      ...(state === "confirmed" ? [
        element("h2", {}, say("tickets")), ticketCards(reservation), this.#actions(reservation)] : []),
      element("h2", {}, say("seatsAndPrices")),
      element("section", { className: "sheet" }, seatRows(reservation), ...totalRows(reservation)),
      ...refundRows(reservation),
      details(reservation),
    ];
  }

  /** @param {ReservationAnswer} reservation */
  #actions(reservation) {
    const isTooLate = reservation.refundableUntil !== null && !isStillRefundable(reservation);
    return element("div", { className: "actions" },
      element("a", {
        className: "button primary", href: api.ticketsFile(reservation.id), download: "", "data-testid": "pdf-link",
      }, say("pdf")),
      this.#refundButton(reservation),
      isTooLate ? element("p", { className: "muted" }, say("refundTooLate")) : "");
  }

  /** @param {ReservationAnswer} reservation */
  #refundButton(reservation) {
    const { payment } = reservation;
    const seats = reservation.seats.filter(({ refunded, checkedInAt }) => !refunded && checkedInAt === null);
    if (payment === null || seats.length === 0 || !isStillRefundable(reservation)) return "";
    return button(say("refund"), {
      testId: "refund-button",
      onClick: () => askForRefund(reservation, seats, {
        submit: (seatIds) => this.#refund(payment.id, seatIds), signal: this.page.signal,
      }),
    });
  }
}

const paidNotice = () =>
  element("p", { className: "notice good", role: "alert", "data-testid": "paid-notice" }, say("paid"));

/**
 * Is money on its way back?
 * @param {ReservationAnswer} reservation
 */
const isOwing = ({ refunds, payment }) =>
  payment?.status === "REFUND_DUE" || refunds.some(({ status }) => status === "DUE");

/** @param {ReservationAnswer} reservation */
const isStillRefundable = ({ refundableUntil }) => refundableUntil !== null && Date.parse(refundableUntil) > nowMs();

/**
 * @param {State} state
 * @param {ReservationAnswer} reservation
 */
function stateNotice(state, reservation) {
  const isPayable = state === "pending";
  const isOpen = isPayable || state === "paying";
  return element("div", { className: "notice", "data-testid": "reservation-notice", "data-state": state },
    element("p", { className: "strong" }, say(`${state}Notice`)),
    isReturned(reservation) ? element("p", {}, say("moneyComesBack")) : "",
    isPayable
      ? linkButton(say("continuePaying"), `/checkout/${reservation.id}`, "checkout-link", "button primary") : "",
    isOpen ? "" : linkButton(say("backToMap"), `/matches/${reservation.scheduleId}`, "seat-map-link"));
}

/** @param {ReservationAnswer} reservation */
function refundRows({ refunds, currency }) {
  if (refunds.length === 0) return [];
  return [
    element("h2", {}, say("refunds")),
    element("ul", { className: "sheet refunds" }, ...refunds.map(({ amount, status, requestedAt, seatIds }) =>
      element("li", { "data-testid": "refund-row", "data-status": status },
        element("span", {}, writeMoment(requestedAt),
          seatIds.length === 0 ? "" : element("small", {}, say("seatCount", { count: seatIds.length }))),
        element("span", { className: `badge ${status === "DONE" ? "open" : "waiting"}` },
          say(status === "DONE" ? "refundDone" : "refundDue")),
        element("b", {}, writeMoney(amount, currency))))),
  ];
}

/** @param {ReservationAnswer} reservation */
function details({ orderId, createdAt, payment, refundableUntil }) {
  const facts = [
    [say("orderNumber"), orderId],
    [say("reservedAt"), writeMoment(createdAt)],
    [say("paidWith"), payment === null || payment.status === "FAILED" ? "" : payment.method],
    [say("refundableUntil"), refundableUntil === null ? "" : writeMoment(refundableUntil)],
  ].filter(([, value]) => value !== "");
  return element("dl", { className: "facts" }, ...facts.flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, value)]));
}
