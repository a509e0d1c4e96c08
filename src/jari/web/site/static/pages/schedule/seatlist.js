// The way to every seat without the map: choose a block, then one of its seats, each a button with its state.

import { AVAILABLE } from "../../map/allocations.js";
import { element } from "../../parts/elements.js";
import { seatName, specialities, stateName } from "./names.js";
import { say, writeCount, writeMoney } from "../../parts/words.js";

/** Only the chosen block's seats are in the page: 60,000 buttons would bring a browser to its knees. */
export class SeatList {
  constructor(select, area, { layout, allocations, selection, onChoose, onBlock }) {
    this.select = select;
    this.area = area;
    this.layout = layout;
    this.allocations = allocations;
    this.selection = selection;
    this.block = null;
    this.buttons = new Map();
    this.rows = [];
    select.addEventListener("change", () => this.#chooseBlock(onBlock));
    area.addEventListener("click", (event) => {
      const pressed = event.target.closest("button");
      if (pressed) onChoose(Number(pressed.dataset.index));
    });
    area.addEventListener("keydown", (event) => this.#move(event));
    area.addEventListener("focusin", (event) => this.#rove(event.target));
  }

  /** Build anew: at the start and after a change of language. */
  build() {
    const sections = groupBySection(this.layout.blocks);
    const options = [element("option", { value: "" }, say("chooseBlock"))];
    for (const [section, blocks] of sections) {
      options.push(element("optgroup", { label: section }, ...blocks.map((block) =>
        element("option", { value: String(block.id) },
          `${block.name} (${say("seatCount", { count: writeCount(block.seats.length) })})`))));
    }
    this.select.replaceChildren(...options);
    this.select.value = this.block ? String(this.block.id) : "";
    this.#buildSeats();
  }

  /** Show the present state of those of the seats that are in the chosen block. */
  refresh(seats) {
    if (this.buttons.size === 0) return;
    for (const seat of seats) {
      const made = this.buttons.get(seat);
      if (made) this.#showState(made, seat);
    }
  }

  #chooseBlock(onBlock) {
    this.block = this.layout.blocks.find((block) => String(block.id) === this.select.value) ?? null;
    this.#buildSeats();
    if (this.block) onBlock(this.block);
  }

  #buildSeats() {
    this.buttons.clear();
    this.rows = this.block ? rowsOf(this.layout, this.block) : [];
    this.area.replaceChildren(...this.rows.map(({ label, seats }) =>
      element("div", { className: "row", role: "group", "aria-label": say("row", { row: label }) },
        element("span", { className: "row-label", "aria-hidden": "true" }, say("row", { row: label })),
        element("div", { className: "row-seats" }, ...seats.map((seat) => this.#seatButton(seat))))));
    const first = this.area.querySelector("button");
    if (first) first.tabIndex = 0;
  }

  #seatButton(seat) {
    const made = element("button", { type: "button", className: "seat", tabIndex: -1, "data-testid": "seat-button" },
      this.layout.seatLabels[seat]);
    made.dataset.index = String(seat);
    made.dataset.seatId = String(this.layout.ids[seat]);
    made.style.setProperty("--swatch", this.layout.gradeOf(seat).color);
    this.buttons.set(seat, made);
    this.#showState(made, seat);
    return made;
  }

  #showState(made, seat) {
    const { layout, allocations, selection } = this;
    const grade = layout.gradeOf(seat);
    const state = allocations.mine[seat] ? "mine" : ["available", "held", "sold"][allocations.status[seat]];
    made.dataset.state = state;
    made.setAttribute("aria-pressed", String(selection.has(seat)));
    // Not `disabled`, which would take the focus away just when a seat goes to somebody else.
    made.setAttribute("aria-disabled", String(allocations.status[seat] !== AVAILABLE && !allocations.mine[seat]));
    made.setAttribute("aria-label", [
      seatName(layout, seat), grade.name, writeMoney(grade.price, layout.currency),
      stateName(allocations, selection, seat), ...specialities(layout, seat),
    ].join(", "));
  }

  /** Only one seat is a tab stop; arrow keys go on from there. */
  #rove(target) {
    if (!target.matches("button.seat")) return;
    for (const stop of this.area.querySelectorAll('button[tabindex="0"]')) stop.tabIndex = -1;
    target.tabIndex = 0;
  }

  #move(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step || !event.target.matches("button.seat")) return;
    event.preventDefault();
    const seat = Number(event.target.dataset.index);
    const row = this.rows.findIndex(({ seats }) => seats.includes(seat));
    const nextRow = this.rows[Math.max(0, Math.min(this.rows.length - 1, row + step[0]))].seats;
    const place = this.rows[row].seats.indexOf(seat) + step[1];
    const next = nextRow[Math.max(0, Math.min(nextRow.length - 1, place))];
    this.buttons.get(next).focus();
  }
}

/** A block's seats row by row, in the order in which the plan lists them. */
function rowsOf(layout, block) {
  const rows = new Map();
  for (const seat of block.seats) {
    const label = layout.rowLabels[seat];
    if (!rows.has(label)) rows.set(label, []);
    rows.get(label).push(seat);
  }
  return [...rows].map(([label, seats]) => ({ label, seats }));
}

function groupBySection(blocks) {
  const sections = new Map();
  for (const block of blocks) sections.set(block.section, [...(sections.get(block.section) ?? []), block]);
  return sections;
}
