// @ts-check
// Follows the stream: takes and shows what it says of the seats, and compares it with what the buyer chose and holds.

/** @import { Statuses } from "../../api/live.js" */
/** @import { Seats } from "./names.js" */
/** @import { Choice } from "./choice.js" */
/** @import { Session } from "./session.js" */
/** @import { Views } from "./views.js" */

import { Live } from "../../api/live.js";
import { AVAILABLE, MY_HOLD, OCCUPIED } from "../../map/allocations.js";
import { announce } from "../../parts/message.js";
import { reopen } from "../../parts/navigation.js";
import { soon } from "../../parts/timers.js";
import { say } from "../../parts/words.js";
import { seatNames } from "./names.js";

const FLASH_AT_MOST = 3000;
const NEW_PLAN_AFTER_MS = 1500;
const NEW_PLAN_SPREAD_MS = 2000;

export class Following {
  /**
   * @param {number} scheduleId
   * @param {{ seats: Seats, choice: Choice, session: Session, views: Views }} page
   * @param {AbortSignal} leaving
   */
  constructor(scheduleId, { seats, choice, session, views }, leaving) {
    this.layout = seats.layout;
    this.allocations = seats.allocations;
    this.choice = choice;
    this.session = session;
    this.views = views;
    this.live = new Live(scheduleId, {
      onSnapshot: (snapshot) => this.#takeSnapshot(snapshot),
      onChanges: (changes) => this.#seatsChanged(this.allocations.apply(changes), true),
      onState: (state) => views.connection.show(state),
      // The venue may have a new plan. All pages hear of it at once. So each asks at a time of its own, and not
      // before every server has looked.
      onNewEpoch: soon(reopen, () => NEW_PLAN_AFTER_MS + NEW_PLAN_SPREAD_MS * Math.random(), leaving),
    }, leaving);
  }

  /** @param {Statuses} snapshot */
  #takeSnapshot(snapshot) {
    const isFirst = this.allocations.version < 0;
    const changed = this.allocations.replace(snapshot);
    // After a long absence nearly everything is new, and flashing everywhere says nothing.
    this.#seatsChanged(changed, !isFirst && changed.length < FLASH_AT_MOST);
    if (isFirst) this.views.showFirst();
  }

  /**
   * @param {number[]} seats
   * @param {boolean} flash
   */
  #seatsChanged(seats, flash) {
    if (seats.length === 0) return;
    this.views.statesChanged(seats, flash);
    this.dropTaken(seats);
    if (seats.some((seat) => this.#contradictsHolds(seat))) this.session.refreshSoon();
  }

  /**
   * Drop those of the seats from the choice that others have taken, and say so.
   * @param {Iterable<number>} seats
   */
  dropTaken(seats) {
    const taken = this.choice.taken(seats);
    if (taken.length === 0) return;
    this.choice.drop(taken);
    announce(say("justTaken", { seats: seatNames(this.layout, taken) }), "bad");
  }

  /**
   * A seat that I believe to hold was freed or sold: in another window, or because its time was up. Only the server
   * knows. The stream may still tell of the time before my hold.
   * @param {number} seat
   */
  #contradictsHolds(seat) {
    const { mine, status } = this.allocations;
    return mine[seat] === MY_HOLD && (status[seat] === AVAILABLE || status[seat] === OCCUPIED);
  }
}
