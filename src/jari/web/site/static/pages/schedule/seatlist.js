// @ts-check
// The way to every seat without the map: choose a block, then one of its seats, each a button with its state.

/** @import { Block, Layout } from "../../map/layout.js" */
/** @import { Seats } from "./names.js" */

import { AVAILABLE } from "../../map/allocations.js";
import { element } from "../../parts/elements.js";
import { writeMoney } from "../../parts/formats.js";
import { groupBy } from "../../parts/groups.js";
import { say } from "../../parts/words.js";
import { seatName, specialities, stateName } from "./names.js";

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const STATES = ["available", "held", "sold"]; // by status

/** Only the chosen block's seats are in the page: 60,000 buttons would bring a browser to its knees. */
export class SeatList {
  /** @type {Block | null} */
  #block = null;
  /** @type {Map<number, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {{ label: string, seats: number[] }[]} */
  #rows = [];

  /**
   * @param {HTMLSelectElement} select
   * @param {HTMLElement} area
   * @param {Seats} seats
   * @param {{ onChoose: (seat: number) => void, onBlock: (block: Block) => void }} actions
   */
  constructor(select, area, seats, { onChoose, onBlock }) {
    this.select = select;
    this.area = area;
    this.seats = seats;
    this.layout = seats.layout;
    select.addEventListener("change", () => this.#chooseBlock(onBlock));
    area.addEventListener("click", ({ target }) => {
      const pressed = target instanceof Element ? target.closest("button") : null;
      if (pressed) onChoose(seatOf(pressed));
    });
    area.addEventListener("keydown", (event) => this.#move(event));
    area.addEventListener("focusin", ({ target }) => this.#rove(target));
  }

  /** Build anew: at the start and after a change of language. */
  build() {
    const groups = groupBy(this.layout.blocks, ({ section }) => section);
    this.select.replaceChildren(
      element("option", { value: "" }, say("chooseBlock")),
      ...[...groups].map(([label, blocks]) => element("optgroup", { label }, ...blocks.map((block) =>
        element("option", { value: String(block.id) },
          `${block.name} (${say("seatCount", { count: block.seats.length })})`)))));
    this.select.value = this.#block ? String(this.#block.id) : "";
    this.#buildSeats();
  }

  /**
   * Show the present state of those of the seats that are in the chosen block.
   * @param {number[]} seats
   */
  refresh(seats) {
    if (this.#buttons.size === 0) return;
    for (const seat of seats) {
      const made = this.#buttons.get(seat);
      if (made) this.#showState(made, seat);
    }
  }

  /** @param {(block: Block) => void} onBlock */
  #chooseBlock(onBlock) {
    this.#block = this.layout.blocks.find((block) => String(block.id) === this.select.value) ?? null;
    this.#buildSeats();
    if (this.#block) onBlock(this.#block);
  }

  #buildSeats() {
    this.#buttons.clear();
    this.#rows = this.#block ? rowsOf(this.layout, this.#block) : [];
    this.area.replaceChildren(...this.#rows.map(({ label, seats }) =>
      element("div", { className: "row", role: "group", "aria-label": say("row", { row: label }) },
        element("span", { className: "row-label", "aria-hidden": "true" }, say("row", { row: label })),
        element("div", { className: "row-seats" }, ...seats.map((seat) => this.#seatButton(seat))))));
    const first = this.area.querySelector("button");
    if (first) first.tabIndex = 0;
  }

  /** @param {number} seat */
  #seatButton(seat) {
    const { layout } = this;
    const made = element("button", { type: "button", className: "seat", tabIndex: -1, "data-testid": "seat-button",
      "data-index": seat, "data-seat-id": layout.ids[seat] }, layout.seatLabels[seat]);
    made.style.setProperty("--swatch", layout.gradeOf(seat).color);
    this.#buttons.set(seat, made);
    this.#showState(made, seat);
    return made;
  }

  /**
   * @param {HTMLButtonElement} made
   * @param {number} seat
   */
  #showState(made, seat) {
    const { layout, allocations, selection } = this.seats;
    const grade = layout.gradeOf(seat);
    const isMine = Boolean(allocations.mine[seat]);
    made.dataset.state = isMine ? "mine" : STATES[allocations.status[seat]];
    made.setAttribute("aria-pressed", String(selection.has(seat)));
    // Not `disabled`, which would take the focus away just when a seat goes to somebody else.
    made.setAttribute("aria-disabled", String(allocations.status[seat] !== AVAILABLE && !isMine));
    made.setAttribute("aria-label", [
      seatName(layout, seat), grade.name, writeMoney(grade.price, layout.currency),
      stateName(this.seats, seat), ...specialities(layout, seat),
    ].join(", "));
  }

  /**
   * Only one seat is a tab stop; arrow keys go on from there.
   * @param {EventTarget | null} target
   */
  #rove(target) {
    if (!isSeatButton(target)) return;
    for (const stop of this.#buttons.values()) stop.tabIndex = stop === target ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    const step = STEPS[event.key];
    if (step === undefined || !isSeatButton(event.target)) return;
    event.preventDefault();
    const seat = seatOf(event.target);
    const row = this.#rows.findIndex(({ seats }) => seats.includes(seat));
    const nextRow = this.#rows[Math.max(0, Math.min(this.#rows.length - 1, row + step[0]))].seats;
    const place = this.#rows[row].seats.indexOf(seat) + step[1];
    this.#buttons.get(nextRow[Math.max(0, Math.min(nextRow.length - 1, place))])?.focus();
  }
}

/**
 * @param {EventTarget | null} target
 * @returns {target is HTMLButtonElement}
 */
const isSeatButton = (target) => target instanceof HTMLButtonElement && target.matches(".seat");

/** @param {HTMLButtonElement} pressed */
const seatOf = (pressed) => Number(pressed.dataset.index);

/**
 * A block's seats row by row, in the order in which the plan lists them.
 * @param {Layout} layout
 * @param {Block} block
 */
function rowsOf(layout, block) {
  const rows = groupBy(block.seats, (seat) => layout.rowLabels[seat]);
  return [...rows].map(([label, seats]) => ({ label, seats }));
}
