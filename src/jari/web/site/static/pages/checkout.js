// The checkout of one reservation: what it is, how long it stands, and the way to the gateway's page.

import { currentAccount } from "../parts/account.js";
import * as api from "../api/client.js";
import { button, element, linkButton } from "../parts/elements.js";
import { GatewayUnreachable, loadGateway, requestPayment } from "../api/gateway.js";
import { announce } from "../parts/message.js";
import { go, goInstead } from "../parts/navigation.js";
import { OwnedPage, waitElements } from "../parts/owned.js";
import { explain, explainCode } from "../parts/refusals.js";
import { awaitSettlement, fetchReservation, isUnderWay } from "../api/settlement.js";
import { isReturned, occasion, seatRows, secondsLeft, stateOf, totalRows } from "../parts/summary.js";
import { say, writeMoney, writeSeconds } from "../parts/words.js";

const TICK_MS = 500;
const LAST_MINUTE_SECONDS = 60;
const LEAVING_MS = 10_000;

/** Show the page in `main`; returns a function that leaves it. */
export function openCheckout(main, reservationId) {
  const checkout = new Checkout(main, reservationId);
  return () => checkout.close();
}

class Checkout {
  constructor(main, reservationId) {
    this.reservationId = reservationId;
    this.gateway = undefined; // null once it is known that there is none
    this.busy = ""; // "paying" or "cancelling"
    this.warned = false;
    this.isOver = false;
    this.page = new OwnedPage(main, {
      load: () => this.#load(),
      draw: (reservation) => this.#draw(reservation),
      reason: "logInToPay",
    });
    this.ticker = setInterval(() => this.#tick(), TICK_MS);
    const { signal } = this.page;
    document.addEventListener("visibilitychange", () => this.#lookAgain(), { signal });
    addEventListener("pageshow", (event) => this.#cameBack(event), { signal });
    this.page.load();
  }

  close() {
    clearInterval(this.ticker);
    this.page.close();
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

  /** Back from the gateway's page the browser may show this one just as it was left. */
  #cameBack({ persisted }) {
    if (!persisted) return;
    this.busy = "";
    this.#lookAgain();
  }

  /** Load the gateway's script ahead of need, so that a press of the button leads on at once. */
  async #prepareGateway() {
    try {
      this.gateway = await loadGateway();
      if (this.gateway === null) this.page.redraw();
    } catch {
      // Pressing the button tries again, and says so should that fail, too.
    }
  }

  /** A payment is under way, perhaps from another window: wait until it has ended. */
  async #follow(underWay) {
    if (this.following) return;
    this.following = true;
    try {
      const reservation = await awaitSettlement(underWay, { signal: this.page.signal });
      if (reservation.status === "CONFIRMED") goInstead(`/reservations/${reservation.id}?new=1`);
      else this.page.show(reservation);
    } catch (error) {
      this.page.tell(error);
    } finally {
      this.following = false;
    }
  }

  // What the buyer does

  async #pay() {
    if (this.busy) return;
    this.#setBusy("paying");
    try {
      this.gateway = await loadGateway();
      if (this.gateway === null) return;
      await requestPayment(this.gateway, this.page.shown, currentAccount());
      await api.pause(LEAVING_MS); // The gateway's page is on its way: a second press would ask for it twice.
    } catch (error) {
      announce(explainPay(error), "bad");
    } finally {
      this.#setBusy("");
    }
  }

  async #cancel() {
    if (this.busy) return;
    this.#setBusy("cancelling");
    try {
      const { scheduleId } = await api.cancelReservation(this.reservationId);
      go(`/matches/${scheduleId}`);
    } catch (error) {
      this.#setBusy("");
      this.page.tell(error);
      if (error.status !== 401) this.page.refresh();
    }
  }

  #setBusy(busy) {
    this.busy = busy;
    this.page.redraw();
  }

  // The time that is left

  #tick() {
    const reservation = this.page.shown;
    if (reservation?.status !== "PENDING" || reservation.expiresAt === null) return;
    const seconds = secondsLeft(reservation);
    this.#writeCountdown(seconds);
    if (seconds > 0) this.isOver = false;
    if (seconds > 0 && seconds <= LAST_MINUTE_SECONDS && !this.warned) {
      this.warned = true;
      announce(say("lastMinute"), "bad");
    }
    if (seconds === 0 && !this.isOver) this.#end();
  }

  #end() {
    this.isOver = true;
    announce(say("expiredNotice"), "bad");
    this.page.redraw();
    this.page.refresh(); // The server decides, and its clock may differ from what we made of it.
  }

  #writeCountdown(seconds) {
    const text = writeSeconds(seconds);
    if (!this.countdown || this.countdown.textContent === text) return;
    this.countdown.textContent = text;
    this.countdown.parentElement.classList.toggle("urgent", seconds <= LAST_MINUTE_SECONDS);
  }

  // What is shown

  #draw(reservation) {
    const state = stateOf(reservation);
    document.title = `${say("checkOutTitle")} · jari 자리`;
    this.countdown = null;
    return [
      element("h1", {}, say("checkOutTitle")),
      ...(state === "pending" ? [this.#timeLeft()] : notice(state, reservation)),
      ...(state === "pending" ? lastRefusal(reservation) : []),
      element("section", { className: "sheet", "aria-label": reservation.title },
        element("h2", {}, reservation.title), occasion(reservation), seatRows(reservation), ...totalRows(reservation)),
      ...(state === "pending" || state === "expired" ? this.#actions(reservation, state) : []),
    ];
  }

  #timeLeft() {
    this.countdown = element("b", { "data-testid": "checkout-countdown" });
    const bar = element("p", { className: "time-left", role: "timer" },
      element("span", {}, say("timeToPay")), this.countdown);
    this.#writeCountdown(secondsLeft(this.page.shown));
    return bar;
  }

  #actions(reservation, state) {
    const isPending = state === "pending";
    const amount = writeMoney(reservation.amount, reservation.currency);
    return [
      this.gateway === null ? element("p", { className: "notice", role: "alert", "data-testid": "no-gateway" },
        say("noGateway")) : "",
      button(this.busy === "paying" ? say("paying") : say("pay", { amount }), {
        testId: "pay-button",
        className: "button primary wide large",
        disabled: !isPending || this.gateway === null,
        "aria-busy": String(this.busy === "paying"),
        onClick: () => this.#pay(),
      }),
      isPending ? element("p", { className: "muted centred" }, say("payHint")) : "",
      isPending ? element("div", { className: "links" },
        linkButton(say("backToMap"), `/matches/${reservation.scheduleId}`, "seat-map-link", "button quiet"),
        button(say(this.busy === "cancelling" ? "cancelling" : "cancelReservation"), {
          testId: "cancel-button",
          className: "button quiet",
          "aria-busy": String(this.busy === "cancelling"),
          onClick: () => this.#cancel(),
        })) : "",
    ];
  }
}

/** What the buyer should know who can not pay (any more), and where to go on. */
function notice(state, reservation) {
  if (state === "paying") return [element("div", { className: "state waiting" }, ...waitElements("checking"))];
  const toReservation = linkButton(say("toReservation"), `/reservations/${reservation.id}`, "reservation-link",
    "button primary");
  const toMap = linkButton(say("backToMap"), `/matches/${reservation.scheduleId}`, "seat-map-link", "button primary");
  return [
    element("div", { className: "notice", "data-testid": "checkout-notice", "data-state": state },
      element("p", { className: "strong" }, say(`${state}Notice`)),
      isReturned(reservation) ? element("p", {}, say("moneyComesBack")) : "",
      state === "confirmed" || reservation.refunds.length > 0 ? toReservation : toMap),
  ];
}

function lastRefusal({ payment }) {
  if (payment?.status !== "FAILED") return [];
  const reason = explainCode(payment.code) ?? payment.message ?? "";
  return [element("p", { className: "notice bad", "data-testid": "last-refusal" }, say("lastRefusal", { reason }))];
}

function explainPay(error) {
  if (error instanceof GatewayUnreachable) return say("gatewayUnreachable");
  if (error instanceof api.ApiError || error instanceof api.NetworkError) return explain(error);
  // The gateway's script rejects with its own errors.
  return explainCode(error.code) ?? say("failed", { detail: error.message });
}
