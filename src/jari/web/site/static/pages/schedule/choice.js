// @ts-check
// The seats that the buyer has chosen and does not hold yet, as many as one may have.

/** @import { Allocations } from "../../map/allocations.js" */
/** @import { Holds } from "./holds.js" */

import { NOT_MINE } from "../../map/allocations.js";
import { Listeners } from "../../parts/listeners.js";

/** Tells of the seats that were chosen or dropped. */
export class Choice {
  /** @type {Set<number>} */
  seats = new Set();
  /** @type {Listeners<number[]>} */
  changes = new Listeners();
  /** @type {Set<number>} */
  #pending = new Set();

  /**
   * @param {{ maxSeats: number }} schedule
   * @param {Allocations} allocations
   * @param {Holds} holds
   */
  constructor(schedule, allocations, holds) {
    this.schedule = schedule;
    this.allocations = allocations;
    this.holds = holds;
  }

  /** How many more seats the buyer may have. */
  get room() {
    return Math.max(0, this.schedule.maxSeats - this.holds.size - this.seats.size);
  }

  /** @param {number} seat */
  add(seat) {
    this.seats.add(seat);
    this.changes.tell([seat]);
  }

  /** @param {number[]} seats */
  drop(seats) {
    const dropped = seats.filter((seat) => this.seats.delete(seat));
    if (dropped.length > 0) this.changes.tell(dropped);
  }

  /**
   * Say that a hold of these seats is under way. The stream may tell of it before the answer does; then nobody else
   * has taken them.
   * @param {number[]} seats
   */
  expectHold(seats) {
    this.#pending = new Set(seats);
  }

  /**
   * Those of the seats that were chosen, and that somebody else has taken.
   * @param {Iterable<number>} seats
   */
  taken(seats) {
    return [...seats].filter((seat) =>
      this.seats.has(seat) && !this.#pending.has(seat) && !this.allocations.isFree(seat));
  }

  /** Drop the seats that have become mine. After a log-in more may be chosen than one may have: drop those, too. */
  makeRoom() {
    const mine = [...this.seats].filter((seat) => this.allocations.mine[seat] !== NOT_MINE);
    this.drop(mine);
    if (this.#pending.size === 0) this.drop([...this.seats].slice(Math.max(0, this.schedule.maxSeats - this.holds.size)));
  }
}
