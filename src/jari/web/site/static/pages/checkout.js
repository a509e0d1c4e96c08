// @ts-check
// The checkout of one reservation: what it is, how long it stands, and the way to the gateway's page.

/** @import { Checkout as Gateway, ReservationAnswer } from "../api/types.d.ts" */
/** @import { State } from "../parts/summary.js" */

import * as api from "../api/client.js";
import { loadGateway, requestPayment } from "../api/gateway.js";
import { awaitSettlement, fetchReservation, isUnderWay } from "../api/settlement.js";
import { currentAccount } from "../parts/account.js";
import { button, element, linkButton } from "../parts/elements.js";
import { writeMoney, writeSeconds } from "../parts/formats.js";
import { announce } from "../parts/message.js";
import { go, goInstead } from "../parts/navigation.js";
import { OwnedPage } from "../parts/owned.js";
import { occasion, seatRows, secondsLeft, stateOf, totalRows } from "../parts/summary.js";
import { every, LAST_MINUTE_SECONDS, TICK_MS } from "../parts/timers.js";
import { say } from "../parts/words.js";
import { closedNotice, explainPay, lastRefusal } from "./checkout/notices.js";

const LEAVING_MS = 10_000;

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 * @param {number} reservationId
 */
export function openCheckout(main, reservationId) {
  const checkout = new Checkout(main, reservationId);
  return () => checkout.page.close();
}

class Checkout {
  /** @type {Gateway | null | undefined} null once it is known that there is none */
  #gateway;
  /** @type {"paying" | "cancelling" | ""} */
  #busy = "";
  #isFollowing = false;
  #isWarned = false;
  #isOver = false;
  /** @type {{ bar: HTMLElement, text: HTMLElement } | null} */
  #countdown = null;

  /**
   * @param {HTMLElement} main
   * @param {number} reservationId
   */
  constructor(main, reservationId) {
    this.reservationId = reservationId;
    /** @type {OwnedPage<ReservationAnswer>} */
    this.page = new OwnedPage(main, {
      load: () => this.#load(),
      draw: (reservation) => this.#draw(reservation, stateOf(reservation)),
      reason: "logInToPay",
    });
    const { signal } = this.page;
    every(() => this.#tick(), TICK_MS, signal);
    document.addEventListener("visibilitychange", () => this.#lookAgain(), { signal });
    addEventListener("pageshow", (event) => this.#cameBack(event), { signal });
    this.page.load();
  }

  async #load() {
    const reservation = await fetchReservation(this.reservationId);
    if (isUnderWay(reservation)) this.#follow(reservation);
    else if (stateOf(reservation) === "pending") this.#prepareGateway();
    return reservation;
  }

  #lookAgain() {
    if (!document.hidden && this.page.shown) this.page.refresh();
  }

  /**
   * When the buyer comes back from the gateway's page, the browser may show this page just as it was left.
   * @param {PageTransitionEvent} event
   */
  #cameBack({ persisted }) {
    if (!persisted) return;
    this.#busy = "";
    this.#lookAgain();
  }

  /** Load the gateway's script ahead of need, so that a press of the button leads on at once. */
  async #prepareGateway() {
    try {
      this.#gateway = await loadGateway();
      if (this.#gateway === null) this.page.redraw();
    } catch {
      // A press of the button tries again, and tells the buyer if that fails, too.
    }
  }

  /**
   * A payment is under way, perhaps from another window: wait until it has ended.
   * @param {ReservationAnswer} underWay
   */
  async #follow(underWay) {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    try {
      const reservation = await awaitSettlement(underWay, { signal: this.page.signal });
      if (reservation.status === "CONFIRMED") goInstead(`/reservations/${reservation.id}?new=1`);
      else this.page.show(reservation);
    } catch (error) {
      this.page.tell(error);
    } finally {
      this.#isFollowing = false;
    }
  }

  // What the buyer does

  /** @param {ReservationAnswer} reservation */
  async #pay(reservation) {
    if (this.#busy) return;
    this.#setBusy("paying");
    try {
      this.#gateway = await loadGateway();
      if (this.#gateway === null) return;
      await requestPayment(this.#gateway, reservation, currentAccount());
      await api.pause(LEAVING_MS); // The gateway's page is on its way: a second press would ask for it twice.
    } catch (error) {
      announce(explainPay(error), "bad");
    } finally {
      this.#setBusy("");
    }
  }

  async #cancel() {
    if (this.#busy) return;
    this.#setBusy("cancelling");
    try {
      const { scheduleId } = await api.cancelReservation(this.reservationId);
      go(`/matches/${scheduleId}`);
    } catch (error) {
      this.#setBusy("");
      this.page.tell(error);
      if (api.statusOf(error) !== 401) this.page.refresh();
    }
  }

  /** @param {"paying" | "cancelling" | ""} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.page.redraw();
  }

  // The time that is left

  #tick() {
    const reservation = this.page.shown;
    if (reservation === null || reservation.status !== "PENDING" || reservation.expiresAt === null) return;
    const seconds = secondsLeft(reservation);
    this.#writeCountdown(seconds);
    if (seconds > 0) this.#isOver = false;
    if (seconds > 0 && seconds <= LAST_MINUTE_SECONDS && !this.#isWarned) {
      this.#isWarned = true;
      announce(say("lastMinute"), "bad");
    }
    if (seconds === 0 && !this.#isOver) this.#end();
  }

  #end() {
    this.#isOver = true;
    announce(say("expiredNotice"), "bad");
    this.page.redraw();
    this.page.refresh(); // The server decides, and its clock may differ from our idea of it.
  }

  /** @param {number} seconds */
  #writeCountdown(seconds) {
    const text = writeSeconds(seconds);
    if (this.#countdown === null || this.#countdown.text.textContent === text) return;
    this.#countdown.text.textContent = text;
    this.#countdown.bar.classList.toggle("urgent", seconds <= LAST_MINUTE_SECONDS);
  }

  // What is shown

  /**
   * @param {ReservationAnswer} reservation
   * @param {State} state
   */
  #draw(reservation, state) {
    document.title = `${say("checkOutTitle")} · jari 자리`;
    this.#countdown = null;
    return [
      element("h1", {}, say("checkOutTitle")),
      ...(state === "pending"
        ? [this.#timeLeft(reservation), lastRefusal(reservation)] : [closedNotice(state, reservation)]),
      element("section", { className: "sheet", "aria-label": reservation.title },
        element("h2", {}, reservation.title), occasion(reservation), seatRows(reservation), ...totalRows(reservation)),
      ...(state === "pending" || state === "expired" ? [this.#noGateway(), this.#payButton(reservation, state)] : []),
      ...(state === "pending" ? this.#waysOn(reservation) : []),
    ];
  }

  /** @param {ReservationAnswer} reservation */
  #timeLeft(reservation) {
    const text = element("b", { "data-testid": "checkout-countdown" });
    const bar = element("p", { className: "time-left", role: "timer" }, element("span", {}, say("timeToPay")), text);
    this.#countdown = { bar, text };
    this.#writeCountdown(secondsLeft(reservation));
    return bar;
  }

  #noGateway() {
    return this.#gateway === null
      ? element("p", { className: "notice", role: "alert", "data-testid": "no-gateway" }, say("noGateway")) : "";
  }

  /**
   * @param {ReservationAnswer} reservation
   * @param {State} state
   */
  #payButton(reservation, state) {
    const amount = writeMoney(reservation.amount, reservation.currency);
    return button(this.#busy === "paying" ? say("paying") : say("pay", { amount }), {
      testId: "pay-button",
      className: "button primary wide large",
      disabled: state !== "pending" || this.#gateway === null,
      "aria-busy": String(this.#busy === "paying"),
      onClick: () => this.#pay(reservation),
    });
  }

  /** @param {ReservationAnswer} reservation */
  #waysOn({ scheduleId }) {
    return [
      element("p", { className: "muted centred" }, say("payHint")),
      element("div", { className: "links" },
        linkButton(say("backToMap"), `/matches/${scheduleId}`, "seat-map-link", "button quiet"),
        button(say(this.#busy === "cancelling" ? "cancelling" : "cancelReservation"), {
          testId: "cancel-button",
          className: "button quiet",
          "aria-busy": String(this.#busy === "cancelling"),
          onClick: () => this.#cancel(),
        })),
    ];
  }
}
