// The panel beside the map (a sheet below it on phones): the occasion, my selection, my holds, what to do next.

import { button, element, swatch } from "../../parts/elements.js";
import { isBeingPaid } from "./holds.js";
import { seatName } from "./names.js";
import { say, writeCount, writeMoment, writeMoney, writeSeconds } from "../../parts/words.js";

const LAST_MINUTE_SECONDS = 60;

/** `actions` has unselect(seat), hold(), release(ids), checkOut() and show(seat). */
export class Panel {
  constructor(parts, { schedule, layout, selection, holds, actions }) {
    this.parts = parts;
    this.schedule = schedule;
    this.layout = layout;
    this.selection = selection;
    this.holds = holds;
    this.actions = actions;
    this.holding = false;
    this.reserving = false;
    this.countdowns = [];
    parts.hold.addEventListener("click", () => actions.hold());
    parts.releaseAll.addEventListener("click", () => actions.release(holds.freeableIds));
    parts.checkout.addEventListener("click", () => actions.checkOut());
    parts.handle.addEventListener("click", () => this.#toggle());
  }

  /** Draw everything anew. */
  draw() {
    const focus = this.#focusPlace();
    this.#drawOccasion();
    this.#drawHolds();
    this.#drawSelection();
    this.#drawAction();
    this.tick();
    this.#restoreFocus(focus);
  }

  /** Bring the top of the panel into sight, where the holds are. */
  showTop() {
    this.parts.body.scrollTop = 0;
  }

  /** Write the time that is left. */
  tick() {
    for (const { hold, node } of this.countdowns) {
      const seconds = this.holds.secondsLeft(hold);
      const text = isBeingPaid(hold) ? say("beingChecked") : say("left", { time: writeSeconds(seconds) });
      if (node.textContent !== text) node.textContent = text;
      node.classList.toggle("urgent", seconds <= LAST_MINUTE_SECONDS);
    }
  }

  /** Which of the drawn buttons has the focus: drawing anew would throw a keyboard user back to the start. */
  #focusPlace() {
    const focused = document.activeElement;
    if (!this.parts.panel.contains(focused) || !focused.dataset.testid) return null;
    const alike = [...this.parts.panel.querySelectorAll(`[data-testid="${focused.dataset.testid}"]`)];
    return { testId: focused.dataset.testid, place: alike.indexOf(focused) };
  }

  #restoreFocus(focus) {
    if (focus === null) return;
    const alike = [...this.parts.panel.querySelectorAll(`[data-testid="${focus.testId}"]`)].filter(canFocus);
    const next = alike[Math.min(focus.place, alike.length - 1)];
    // Where the button is gone, the summary says what has become of it. Not the next best button: after a
    // hold that is "Release all", and a second press of Enter would give the seats back.
    (next ?? this.parts.summary).focus({ preventScroll: true });
  }

  #toggle() {
    const open = this.parts.panel.classList.toggle("open");
    this.parts.handle.setAttribute("aria-expanded", String(open));
  }

  #drawOccasion() {
    const { schedule } = this;
    const isOpen = schedule.status === "OPEN";
    const isAhead = !isOpen && schedule.opensAt && Date.parse(schedule.opensAt) > Date.now();
    this.parts.occasion.replaceChildren(
      element("div", { className: "occasion-title" },
        element("h1", {}, schedule.title),
        element("span", { className: `badge ${isOpen ? "open" : "closed"}`, "data-testid": "sale-state" },
          say(isOpen ? "open" : "closed"))),
      element("p", {}, schedule.venueName, " · ",
        element("time", { dateTime: schedule.startsAt }, writeMoment(schedule.startsAt))),
      isAhead ? element("p", { className: "opening" }, say("opensAt", { when: writeMoment(schedule.opensAt) })) : "");
  }

  #drawSelection() {
    const seats = [...this.selection];
    const rows = seats.map((seat) => this.#seatRow(seat, button("×", {
      testId: "remove-button",
      className: "button quiet icon",
      "aria-label": say("removeSeat", { seat: seatName(this.layout, seat) }),
      onClick: () => this.actions.unselect(seat),
    }), "selected-seat"));
    const hint = element("p", { className: "hint" }, say("nothingSelected", { count: this.schedule.maxSeats }));
    this.parts.selection.replaceChildren(
      element("h2", {}, say("selected"),
        element("span", { className: "of-limit" }, `${seats.length + this.holds.size} / ${this.schedule.maxSeats}`)),
      seats.length === 0 ? hint : element("ul", { className: "seats", "data-testid": "selected-seats" }, ...rows),
      seats.length === 0 ? "" : this.#total(seats));
  }

  #drawHolds() {
    const { holds } = this;
    this.countdowns = [];
    const groups = holds.holds.map((hold) => this.#holdGroup(hold));
    if (holds.occupied.length > 0) groups.push(this.#boughtGroup());
    this.parts.holds.hidden = groups.length === 0;
    this.parts.holds.replaceChildren(...groups);
  }

  #holdGroup(hold) {
    const node = element("span", { className: "countdown", role: "timer", "data-testid": "countdown" });
    this.countdowns.push({ hold, node });
    const seats = this.#indices(hold.seatIds);
    const rows = seats.map((seat) =>
      this.#seatRow(seat, isBeingPaid(hold) ? "" : this.#releaseButton(seat), "held-seat"));
    return element("div", { className: "group mine", "data-testid": "hold" },
      element("h2", {}, say("heldForYou"), node),
      element("ul", { className: "seats" }, ...rows),
      this.#total(seats));
  }

  #releaseButton(seat) {
    return button(say("release"), {
      testId: "release-button",
      className: "button small",
      "aria-label": say("releaseSeat", { seat: seatName(this.layout, seat) }),
      onClick: () => this.actions.release([this.layout.ids[seat]]),
    });
  }

  #boughtGroup() {
    const rows = this.#indices(this.holds.occupied).map((seat) => this.#seatRow(seat, "", "bought-seat"));
    return element("div", { className: "group mine" },
      element("h2", {}, say("boughtByYou")), element("ul", { className: "seats" }, ...rows));
  }

  #seatRow(seat, action, testId) {
    const { layout } = this;
    const grade = layout.gradeOf(seat);
    const row = element("li", { "data-testid": testId, "data-seat-id": layout.ids[seat] },
      element("button", { type: "button", className: "seat-name", onclick: () => this.actions.show(seat) },
        swatch(grade.color),
        element("span", {}, seatName(layout, seat), element("small", {}, grade.name))),
      element("b", {}, writeMoney(grade.price, layout.currency)),
      action);
    return row;
  }

  #total(seats) {
    return element("p", { className: "total" }, say("total"), element("b", {}, this.#price(seats)));
  }

  #price(seats) {
    return writeMoney(seats.reduce((sum, seat) => sum + this.layout.gradeOf(seat).price, 0), this.layout.currency);
  }

  #indices(ids) {
    return ids.map((id) => this.layout.indexOf.get(id)).filter((seat) => seat !== undefined);
  }

  #drawAction() {
    const { hold, checkout, releaseAll, summary } = this.parts;
    const count = this.selection.size;
    const held = this.#indices(this.holds.heldIds);
    const canGo = this.holds.freeableIds.length > 0;
    hold.textContent = this.holding ? say("holding") : count === 0 ? say("hold") : say("holdSeats", { count });
    hold.disabled = count === 0 || this.schedule.status !== "OPEN";
    // Not disabled while the hold is under way: that would take the focus away from who pressed it.
    hold.setAttribute("aria-busy", String(this.holding));
    releaseAll.textContent = say("releaseAll");
    releaseAll.hidden = !canGo;
    checkout.textContent = say(this.reserving ? "reserving" : "checkOut");
    checkout.setAttribute("aria-busy", String(this.reserving));
    checkout.hidden = count > 0 || !canGo;
    hold.hidden = count === 0 && held.length > 0;
    if (count > 0) this.#summarise(say("selected"), this.#price([...this.selection]));
    else if (held.length > 0) this.#summariseHolds(held);
    else summary.replaceChildren(element("span", {}, say("summaryNone")));
  }

  #summarise(label, ...values) {
    this.parts.summary.replaceChildren(element("span", {}, label), ...values.map((value) => element("b", {}, value)));
  }

  #summariseHolds(held) {
    this.#summarise(say("heldSummary", { count: writeCount(held.length) }), "");
    const node = this.parts.summary.querySelector("b");
    this.countdowns.push({ hold: this.holds.holds[0], node });
  }
}

const canFocus = (node) => !node.disabled && node.offsetParent !== null;
