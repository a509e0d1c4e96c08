// @ts-check
// The dialog in which a buyer chooses what to have refunded. It shows how much comes back before the buyer asks for
// it.

/** @import { ReservationAnswer, SeatOfReservation } from "../api/types.d.ts" */

import { button, element } from "./elements.js";
import { writeMoment, writeMoney } from "./formats.js";
import { explain } from "./refusals.js";
import { placeOf } from "./summary.js";
import { say } from "./words.js";

/** @typedef {(seatIds: number[]) => Promise<void>} Submit */

/**
 * Ask which of `seats` to refund. `submit` asks the server, and may throw ApiError or NetworkError. When the `signal`
 * aborts, the dialog closes.
 * @param {ReservationAnswer} reservation
 * @param {SeatOfReservation[]} seats
 * @param {{ submit: Submit, signal: AbortSignal }} options
 */
export function askForRefund(reservation, seats, { submit, signal }) {
  new RefundDialog(reservation, seats, submit).open(signal);
}

class RefundDialog {
  /**
   * @param {ReservationAnswer} reservation
   * @param {SeatOfReservation[]} seats
   * @param {Submit} submit
   */
  constructor(reservation, seats, submit) {
    this.reservation = reservation;
    this.submit = submit;
    this.choices = seats.map((seat) =>
      ({ seat, box: this.#box({ "data-testid": "refund-seat", "data-seat-id": seat.id }) }));
    this.all = this.#box({ "data-testid": "refund-all" });
    this.amount = element("b", { "data-testid": "refund-amount" });
    this.error = element("p", { className: "dialog-error", role: "alert", "data-testid": "refund-error" });
    this.confirm = element("button", {
      type: "submit", className: "button primary wide", "data-testid": "refund-submit",
    });
    this.dialog = this.#build();
  }

  /** @param {AbortSignal} signal */
  open(signal) {
    // With a single seat there is nothing to choose.
    if (this.choices.length === 1) this.#checkAll(true);
    this.#write();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.dialog.addEventListener("close", () => this.dialog.remove());
    signal.addEventListener("abort", () => this.dialog.close(), { once: true });
  }

  /** @param {Record<string, unknown>} attributes */
  #box(attributes) {
    const box = element("input", { type: "checkbox", ...attributes });
    box.addEventListener("change", () => this.#changed(box));
    return box;
  }

  #build() {
    const { currency, refundableUntil } = this.reservation;
    const close = button("×", {
      className: "button quiet icon",
      testId: "refund-close",
      "aria-label": say("close"),
      onClick: () => this.dialog.close(),
    });
    const until = refundableUntil === null ? "" : writeMoment(refundableUntil);
    const form = element("form", { noValidate: true },
      element("div", { className: "dialog-head" }, element("h2", { id: "refund-title" }, say("refundTitle")), close),
      element("p", { className: "dialog-reason" }, say("refundHint", { until })),
      element("fieldset", { className: "choices" },
        element("legend", { className: "visually-hidden" }, say("seatsAndPrices")),
        this.choices.length > 1 ? choice(this.all, say("allSeats"), "") : "",
        ...this.choices.map(({ seat, box }) =>
          choice(box, `${placeOf(seat)} · ${seat.grade}`, writeMoney(seat.price, currency)))),
      element("p", { className: "total", role: "status" }, say("comesBack"), this.amount),
      element("p", { className: "hint" }, say("refundWarning")),
      this.error, this.confirm);
    form.addEventListener("submit", (event) => this.#submit(event));
    return element("dialog", {
      className: "dialog", "aria-labelledby": "refund-title", "data-testid": "refund-dialog",
    }, form);
  }

  get #chosen() {
    return this.choices.filter(({ box }) => box.checked).map(({ seat }) => seat);
  }

  /** @param {boolean} checked */
  #checkAll(checked) {
    for (const { box } of this.choices) box.checked = checked;
  }

  /** @param {HTMLInputElement} box */
  #changed(box) {
    if (box === this.all) this.#checkAll(box.checked);
    this.#write();
  }

  #write() {
    const chosen = this.#chosen;
    const sum = writeMoney(chosen.reduce((total, { price }) => total + price, 0), this.reservation.currency);
    this.all.checked = chosen.length === this.choices.length;
    this.all.indeterminate = chosen.length > 0 && chosen.length < this.choices.length;
    this.amount.textContent = sum;
    this.confirm.textContent = chosen.length === 0 ? say("chooseSeats") : say("refundNow", { amount: sum });
    this.confirm.disabled = chosen.length === 0;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    if (this.confirm.getAttribute("aria-busy") === "true") return;
    this.error.textContent = "";
    this.confirm.setAttribute("aria-busy", "true");
    try {
      await this.submit(this.#chosen.map(({ id }) => id));
      this.dialog.close();
    } catch (error) {
      this.error.textContent = explain(error);
    } finally {
      this.confirm.removeAttribute("aria-busy");
    }
  }
}

/**
 * @param {HTMLInputElement} box
 * @param {string} label
 * @param {string} price
 */
function choice(box, label, price) {
  return element("label", { className: "choice" }, box, element("span", {}, label), element("b", {}, price));
}
