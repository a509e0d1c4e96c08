// @ts-check
// The buyer's own seats of one schedule: taken, given back, counted down.

/** @import { MyHold } from "../../api/types.d.ts" */

import * as api from "../../api/client.js";
import { correctClock, nowMs } from "../../api/clock.js";
import { Listeners } from "../../parts/listeners.js";

const CHECK_AGAIN_MS = 2000;

/**
 * While a payment is under way a hold cannot end: its `expiresMs` is Infinity.
 * @typedef {{ holdId: string, seatIds: number[], expiresMs: number }} Hold
 */

/** `holds` come soonest first; `occupied` are ids of seats that were bought. */
export class Holds {
  /** @type {Hold[]} */
  holds = [];
  /** @type {number[]} */
  occupied = [];
  /** @type {Listeners} */
  changes = new Listeners();
  #asked = 0;
  #nextCheckMs = 0;

  /** @param {number} scheduleId */
  constructor(scheduleId) {
    this.scheduleId = scheduleId;
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
    if (asked === this.#asked) this.#become(answer.holds.map(withExpiry).toSorted(bySoonest), answer.occupied);
  }

  /** @param {number[]} seatIds */
  async take(seatIds) {
    const taken = withExpiry(await api.hold(this.scheduleId, seatIds));
    this.#begin();
    this.#become([...this.holds, taken]);
    return taken;
  }

  /** @param {number[]} seatIds */
  async release(seatIds) {
    const { seatIds: released } = await api.release(this.scheduleId, seatIds);
    this.#begin();
    const gone = new Set(released);
    const left = this.holds.map((hold) => ({ ...hold, seatIds: hold.seatIds.filter((id) => !gone.has(id)) }));
    this.#become(left.filter((hold) => hold.seatIds.length > 0));
    return released;
  }

  /** Nobody is logged in any more. */
  clear() {
    this.#begin();
    this.#nextCheckMs = 0;
    this.#become([], []);
  }

  /**
   * The hold that a seat belongs to.
   * @param {number} seatId
   */
  holdOf(seatId) {
    return this.holds.find(({ seatIds }) => seatIds.includes(seatId));
  }

  /** Ask the server about holds whose time is up. Returns the ids of the seats that are really gone. */
  async expire() {
    const over = this.holds.filter((hold) => hold.expiresMs <= nowMs());
    if (over.length === 0 || Date.now() < this.#nextCheckMs) return [];
    this.#nextCheckMs = Date.now() + CHECK_AGAIN_MS;
    const ids = over.flatMap((hold) => hold.seatIds);
    // The server decides: a hold that is being paid for no longer ends.
    await this.refresh();
    const still = new Set([...this.heldIds, ...this.occupied]);
    return ids.filter((id) => !still.has(id));
  }

  #begin() {
    this.#asked += 1;
    return this.#asked;
  }

  /**
   * @param {Hold[]} holds
   * @param {number[]} occupied
   */
  #become(holds, occupied = this.occupied) {
    this.holds = holds;
    this.occupied = occupied;
    this.changes.tell();
  }
}

/**
 * @param {Hold} a
 * @param {Hold} b
 */
function bySoonest(a, b) {
  return a.expiresMs === b.expiresMs ? 0 : a.expiresMs - b.expiresMs; // Infinity less itself is no number
}

/**
 * Is a payment under way, so that the hold no longer ends by itself?
 * @param {Hold} hold
 */
export const isBeingPaid = (hold) => hold.expiresMs === Infinity;

/**
 * Seconds left of a hold, by the server's clock; Infinity while it is being paid for.
 * @param {Hold} hold
 */
export const secondsLeft = (hold) => Math.max(0, Math.ceil((hold.expiresMs - nowMs()) / 1000));

/**
 * @param {MyHold} held
 * @returns {Hold}
 */
function withExpiry({ holdId, seatIds, expiresAt }) {
  return { holdId, seatIds, expiresMs: expiresAt === null ? Infinity : Date.parse(expiresAt) };
}
