// @ts-check
// All that shows seats: the map with its tip, the legend, the list and the panel. Each is told what has changed.

/** @import { ScheduleWithVenue } from "../../api/types.d.ts" */
/** @import { Holds } from "./holds.js" */
/** @import { Seats } from "./names.js" */
/** @import { Actions } from "./panel.js" */
/** @import { Parts } from "./parts.js" */

import { SeatMap } from "../../map/map.js";
import { onPaletteChange } from "../../map/palette.js";
import { onLanguageChange } from "../../parts/language.js";
import { soon } from "../../parts/timers.js";
import { Connection } from "./connection.js";
import { Legend } from "./legend.js";
import { Panel } from "./panel.js";
import { SeatList } from "./seatlist.js";
import { Tip } from "./tip.js";

const COUNTS_EVERY_MS = 250;

export class Views {
  /**
   * @param {Parts} parts
   * @param {{ schedule: ScheduleWithVenue, seats: Seats, holds: Holds }} shown
   * @param {Omit<Actions, "show"> & { choose: (seat: number) => void }} actions
   * @param {AbortSignal} leaving
   */
  constructor(parts, { schedule, seats, holds }, actions, leaving) {
    const { layout, allocations, selection } = seats;
    this.canvas = parts.seats;
    this.connection = new Connection(parts.connection);
    this.tip = new Tip(parts.tip, parts.map, seats);
    this.legend = new Legend(parts.legend, parts.key, seats);
    this.map = new SeatMap({
      canvas: parts.seats,
      marksCanvas: parts.marks,
      layout,
      allocations,
      selection,
      onTap: actions.choose,
      onPoint: (seat, left, top) => this.tip.show(seat, left, top),
    }, leaving);
    this.list = new SeatList(parts.blockSelect, parts.rows, seats, {
      onChoose: actions.choose,
      onBlock: (block) => this.map.showBlock(block),
    });
    this.panel = new Panel(parts, schedule, seats, holds, { ...actions, show: (seat) => this.map.showSeat(seat) });
    this.title = schedule.title;
    this.countSoon = soon(() => this.legend.refresh(), () => COUNTS_EVERY_MS, leaving);
    parts.zoomIn.addEventListener("click", () => this.map.zoomIn());
    parts.zoomOut.addEventListener("click", () => this.map.zoomOut());
    parts.zoomWhole.addEventListener("click", () => this.map.showWhole());
    onLanguageChange(() => this.translate(), leaving);
    onPaletteChange(() => this.legend.build(), leaving);
    this.translate();
  }

  translate() {
    document.title = `${this.title} · jari 자리`;
    this.legend.build();
    this.list.build();
    this.tip.refresh();
    this.panel.draw();
    this.connection.translate();
  }

  /** Every seat is known now: show it at once. */
  showFirst() {
    this.legend.refresh();
    this.map.drawNow();
    this.canvas.setAttribute("aria-busy", "false");
  }

  /**
   * The state of seats has changed.
   * @param {number[]} seats
   * @param {boolean} flash
   */
  statesChanged(seats, flash) {
    this.map.repaint(seats, { flash });
    this.list.refresh(seats);
    this.tip.refresh();
    this.countSoon();
  }

  /**
   * Seats have become the buyer's, or ceased to be.
   * @param {number[]} seats
   */
  ownChanged(seats) {
    this.map.repaint(seats);
    this.list.refresh(seats);
    this.tip.refresh();
    this.panel.draw();
  }

  /**
   * Seats were chosen or dropped.
   * @param {number[]} seats
   */
  choiceChanged(seats) {
    this.map.remark();
    this.list.refresh(seats);
    this.tip.refresh();
    this.panel.draw();
  }
}
