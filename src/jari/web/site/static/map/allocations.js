// @ts-check
// The state of every seat of the schedule: what the stream says, and which seats are my own.

/** @import { Statuses } from "../api/live.js" */
/** @import { Layout } from "./layout.js" */

export const AVAILABLE = 0;
export const HOLD = 1;
export const OCCUPIED = 2;
/** @type {(keyof Statuses["seats"])[]} */
const STATUSES = ["AVAILABLE", "HOLD", "OCCUPIED"];

export const NOT_MINE = 0;
export const MY_HOLD = 1;
export const MY_SEAT = 2;

/** One byte per seat. The methods that change something return the seats that changed. */
export class Allocations {
  /** @param {Layout} layout */
  constructor(layout) {
    this.layout = layout;
    this.version = -1;
    this.status = new Uint8Array(layout.count);
    this.mine = new Uint8Array(layout.count);
    this.counts = new Uint32Array(layout.grades.length * STATUSES.length);
    for (let seat = 0; seat < layout.count; seat += 1) this.counts[layout.grade[seat] * STATUSES.length] += 1;
  }

  /** @param {number} seat */
  isFree(seat) {
    return this.status[seat] === AVAILABLE && this.mine[seat] === NOT_MINE;
  }

  /**
   * How many seats of a grade have a status.
   * @param {number} gradeIndex
   * @param {number} status
   */
  count(gradeIndex, status) {
    return this.counts[gradeIndex * STATUSES.length + status];
  }

  /**
   * Take a snapshot: what it does not list is available.
   * @param {Statuses} snapshot
   */
  replace({ version, seats }) {
    this.version = version;
    const next = new Uint8Array(this.layout.count);
    for (const status of [HOLD, OCCUPIED]) {
      for (const seat of this.layout.seatsOf(seats[STATUSES[status]] ?? [])) next[seat] = status;
    }
    const changed = [];
    for (let seat = 0; seat < next.length; seat += 1) {
      if (this.#set(seat, next[seat])) changed.push(seat);
    }
    return changed;
  }

  /**
   * Apply changes. An older version than ours comes from an overlap after a reconnect.
   * @param {Statuses} changes
   */
  apply({ version, seats }) {
    if (version < this.version) return [];
    this.version = version;
    const changed = [];
    for (const status of [AVAILABLE, HOLD, OCCUPIED]) {
      for (const seat of this.layout.seatsOf(seats[STATUSES[status]] ?? [])) {
        if (this.#set(seat, status)) changed.push(seat);
      }
    }
    return changed;
  }

  /**
   * Say which seats are mine. The stream cannot tell, it speaks to everybody.
   * @param {number[]} heldIds
   * @param {number[]} occupiedIds
   */
  own(heldIds, occupiedIds) {
    const next = new Uint8Array(this.layout.count);
    for (const seat of this.layout.seatsOf(heldIds)) next[seat] = MY_HOLD;
    for (const seat of this.layout.seatsOf(occupiedIds)) next[seat] = MY_SEAT;
    const changed = [];
    for (let seat = 0; seat < next.length; seat += 1) {
      if (this.mine[seat] !== next[seat]) changed.push(seat);
    }
    this.mine.set(next);
    return changed;
  }

  /**
   * @param {number} seat
   * @param {number} status
   */
  #set(seat, status) {
    const before = this.status[seat];
    if (before === status) return false;
    const first = this.layout.grade[seat] * STATUSES.length;
    this.counts[first + before] -= 1;
    this.counts[first + status] += 1;
    this.status[seat] = status;
    return true;
  }
}
