// The buyer's own seats of one schedule: taken, given back, counted down.

import * as api from "../../api/client.js";
import { correctClock, nowMs } from "../../api/clock.js";

const CHECK_AGAIN_MS = 2000;

/** `holds` are {holdId, seatIds, expiresMs}, soonest first; `occupied` are ids of seats that were bought. While a
 * payment is under way a hold cannot end: its `expiresMs` is Infinity. */
export class Holds {
  constructor(scheduleId, onChange) {
    this.scheduleId = scheduleId;
    this.onChange = onChange;
    this.#reset();
  }

  get heldIds() {
    return this.holds.flatMap((hold) => hold.seatIds);
  }

  /** The seats that are the buyer's to give back, or to pay for. */
  get freeableIds() {
    return this.holds.filter((hold) => !isBeingPaid(hold)).flatMap((hold) => hold.seatIds);
  }

  /** How many of the schedule's seats the buyer has. */
  get size() {
    return this.heldIds.length + this.occupied.length;
  }

  /** Ask the server what is ours; its answer replaces what we believed. */
  async refresh() {
    const asked = this.#begin();
    const askedMs = Date.now();
    const answer = await api.allocations(this.scheduleId);
    correctClock(answer.serverTime, askedMs);
    // A hold or a release meanwhile is newer than this answer.
    if (asked !== this.asked) return;
    this.holds = answer.holds.map(withExpiry).toSorted(bySoonest);
    this.occupied = answer.occupied;
    this.onChange();
  }

  async take(seatIds) {
    const taken = await api.hold(this.scheduleId, seatIds);
    this.#begin();
    this.holds = [...this.holds, withExpiry(taken)];
    this.onChange();
    return taken;
  }

  async release(seatIds) {
    const { seatIds: released } = await api.release(this.scheduleId, seatIds);
    this.#begin();
    this.#drop(released);
    return released;
  }

  /** Nobody is logged in any more. */
  clear() {
    this.#begin();
    this.#reset();
    this.onChange();
  }

  /** Seconds left of a hold, by the server's clock; Infinity while it is being paid for. */
  secondsLeft(hold) {
    return Math.max(0, Math.ceil((hold.expiresMs - nowMs()) / 1000));
  }

  /** Ask after holds whose time is up. Returns the ids of the seats that are really gone. */
  async expire() {
    const over = this.holds.filter((hold) => hold.expiresMs <= nowMs());
    if (over.length === 0 || Date.now() < this.nextCheckMs) return [];
    this.nextCheckMs = Date.now() + CHECK_AGAIN_MS;
    const ids = over.flatMap((hold) => hold.seatIds);
    // The server decides: a hold that is being paid for no longer ends.
    await this.refresh();
    const still = new Set([...this.heldIds, ...this.occupied]);
    return ids.filter((id) => !still.has(id));
  }

  #begin() {
    this.asked = (this.asked ?? 0) + 1;
    return this.asked;
  }

  #reset() {
    this.holds = [];
    this.occupied = [];
    this.nextCheckMs = 0;
  }

  #drop(seatIds) {
    const gone = new Set(seatIds);
    this.holds = this.holds
      .map((hold) => ({ ...hold, seatIds: hold.seatIds.filter((id) => !gone.has(id)) }))
      .filter((hold) => hold.seatIds.length > 0);
    this.onChange();
  }
}

function bySoonest(a, b) {
  return a.expiresMs === b.expiresMs ? 0 : a.expiresMs - b.expiresMs; // Infinity less itself is no number
}

/** Is a payment under way, so that the hold no longer ends by itself? */
export const isBeingPaid = (hold) => hold.expiresMs === Infinity;

function withExpiry({ holdId, seatIds, expiresAt }) {
  return { holdId, seatIds, expiresMs: expiresAt === null ? Infinity : Date.parse(expiresAt) };
}
