// The dialog in which a buyer chooses what to have refunded, and sees how much comes back before it is asked for.

import { button, element } from "./elements.js";
import { explain } from "./refusals.js";
import { placeOf } from "./summary.js";
import { say, writeMoment, writeMoney } from "./words.js";

/** Ask which of `seats` to refund. `submit(seatIds)` has it done and may throw ApiError or NetworkError; when the
 * `signal` aborts, the dialog goes. */
export function askForRefund(reservation, seats, { submit, signal }) {
  new RefundDialog(reservation, seats, submit).open(signal);
}

class RefundDialog {
  constructor(reservation, seats, submit) {
    this.reservation = reservation;
    this.seats = seats;
    this.submit = submit;
    this.boxes = seats.map((seat) => this.#box({ "data-testid": "refund-seat", "data-seat-id": seat.id }));
    this.all = this.#box({ "data-testid": "refund-all" });
    this.amount = element("b", { "data-testid": "refund-amount" });
    this.error = element("p", { className: "dialog-error", role: "alert", "data-testid": "refund-error" });
    this.confirm = element("button", {
      type: "submit", className: "button primary wide", "data-testid": "refund-submit",
    });
    this.dialog = this.#build();
  }

  open(signal) {
    // With a single seat there is nothing to choose.
    if (this.boxes.length === 1) this.boxes[0].checked = true;
    this.#write();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.dialog.addEventListener("close", () => this.dialog.remove());
    signal.addEventListener("abort", () => this.dialog.close(), { once: true });
  }

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
    const form = element("form", { noValidate: true },
      element("div", { className: "dialog-head" }, element("h2", { id: "refund-title" }, say("refundTitle")), close),
      element("p", { className: "dialog-reason" }, say("refundHint", { until: writeMoment(refundableUntil) })),
      element("fieldset", { className: "choices" },
        element("legend", { className: "visually-hidden" }, say("seatsAndPrices")),
        this.seats.length > 1 ? choice(this.all, say("allSeats"), "") : "",
        ...this.seats.map((seat, index) =>
          choice(this.boxes[index], `${placeOf(seat)} · ${seat.grade}`, writeMoney(seat.price, currency)))),
      element("p", { className: "total", role: "status" }, say("comesBack"), this.amount),
      element("p", { className: "hint" }, say("refundWarning")),
      this.error, this.confirm);
    form.addEventListener("submit", (event) => this.#submit(event));
    return element("dialog", {
      className: "dialog", "aria-labelledby": "refund-title", "data-testid": "refund-dialog",
    }, form);
  }

  get #chosen() {
    return this.seats.filter((_, index) => this.boxes[index].checked);
  }

  #changed(box) {
    if (box === this.all) for (const each of this.boxes) each.checked = this.all.checked;
    this.#write();
  }

  #write() {
    const chosen = this.#chosen;
    const sum = writeMoney(chosen.reduce((total, { price }) => total + price, 0), this.reservation.currency);
    this.all.checked = chosen.length === this.seats.length;
    this.all.indeterminate = chosen.length > 0 && chosen.length < this.seats.length;
    this.amount.textContent = sum;
    this.confirm.textContent = chosen.length === 0 ? say("chooseSeats") : say("refundNow", { amount: sum });
    this.confirm.disabled = chosen.length === 0;
  }

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

function choice(box, label, price) {
  return element("label", { className: "choice" }, box, element("span", {}, label), element("b", {}, price));
}
