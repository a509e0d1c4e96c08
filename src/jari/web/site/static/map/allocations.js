// The state of every seat of the schedule: what the stream says, and which seats are my own.

export const AVAILABLE = 0;
export const HOLD = 1;
export const OCCUPIED = 2;
export const STATUSES = ["AVAILABLE", "HOLD", "OCCUPIED"];

export const NOT_MINE = 0;
export const MY_HOLD = 1;
export const MY_SEAT = 2;

/** One byte per seat. The methods that change something return the indices of the seats that changed. */
export class Allocations {
  constructor(layout) {
    this.layout = layout;
    this.version = -1;
    this.status = new Uint8Array(layout.count);
    this.mine = new Uint8Array(layout.count);
    this.counts = new Uint32Array(layout.grades.length * STATUSES.length);
    for (let seat = 0; seat < layout.count; seat += 1) this.counts[layout.grade[seat] * STATUSES.length] += 1;
  }

  isFree(seat) {
    return this.status[seat] === AVAILABLE && this.mine[seat] === NOT_MINE;
  }

  /** How many seats of a grade have a status. */
  count(gradeIndex, status) {
    return this.counts[gradeIndex * STATUSES.length + status];
  }

  /** Take a snapshot: what it does not list is available. */
  replace({ version, seats }) {
    this.version = version;
    const next = new Uint8Array(this.layout.count);
    for (const status of [HOLD, OCCUPIED]) {
      for (const seat of this.#indices(seats[STATUSES[status]])) next[seat] = status;
    }
    const changed = [];
    for (let seat = 0; seat < next.length; seat += 1) {
      if (this.#set(seat, next[seat])) changed.push(seat);
    }
    return changed;
  }

  /** Apply changes. An older version than ours comes from an overlap after a reconnect. */
  apply({ version, seats }) {
    if (version < this.version) return [];
    this.version = version;
    const changed = [];
    for (const status of [AVAILABLE, HOLD, OCCUPIED]) {
      for (const seat of this.#indices(seats[STATUSES[status]])) {
        if (this.#set(seat, status)) changed.push(seat);
      }
    }
    return changed;
  }

  /** Say which seats are mine. The stream cannot tell, it speaks to everybody. */
  own(heldIds, occupiedIds) {
    const next = new Map();
    for (const seat of this.#indices(heldIds)) next.set(seat, MY_HOLD);
    for (const seat of this.#indices(occupiedIds)) next.set(seat, MY_SEAT);
    const changed = [];
    for (let seat = 0; seat < this.mine.length; seat += 1) {
      const mine = next.get(seat) ?? NOT_MINE;
      if (this.mine[seat] === mine) continue;
      this.mine[seat] = mine;
      changed.push(seat);
    }
    return changed;
  }

  #indices(ids = []) {
    return ids.map((id) => this.layout.indexOf.get(id)).filter((seat) => seat !== undefined);
  }

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
