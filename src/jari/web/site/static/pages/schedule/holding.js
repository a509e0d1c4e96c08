// @ts-check
// What a buyer does with seats: hold those that are chosen, give back those that are held.

/** @import { ScheduleWithVenue } from "../../api/types.d.ts" */
/** @import { Choice } from "./choice.js" */
/** @import { Holds } from "./holds.js" */
/** @import { Seats } from "./names.js" */
/** @import { Panel } from "./panel.js" */
/** @import { Session } from "./session.js" */

import { ApiError, codeOf } from "../../api/client.js";
import { MY_HOLD } from "../../map/allocations.js";
import { askToLogIn, currentAccount } from "../../parts/account.js";
import { writeSeconds } from "../../parts/formats.js";
import { announce } from "../../parts/message.js";
import { explain } from "../../parts/refusals.js";
import { say } from "../../parts/words.js";
import { secondsLeft } from "./holds.js";
import { seatNames } from "./names.js";

export class Holding {
  /**
   * @param {ScheduleWithVenue} schedule
   * @param {{ seats: Seats, choice: Choice, holds: Holds, session: Session, panel: Panel }} page
   * @param {() => void} onEnd a hold that was under way has ended, one way or the other
   */
  constructor(schedule, { seats, choice, holds, session, panel }, onEnd) {
    this.schedule = schedule;
    this.layout = seats.layout;
    this.allocations = seats.allocations;
    this.choice = choice;
    this.holds = holds;
    this.session = session;
    this.panel = panel;
    this.onEnd = onEnd;
  }

  async hold() {
    if (this.panel.isHolding || this.choice.seats.size === 0) return;
    if (!currentAccount()) {
      askToLogIn(say("logInToHold"), () => this.hold());
      return;
    }
    const seats = [...this.choice.seats];
    this.#expect(seats);
    try {
      await this.holds.take(this.layout.idsOf(seats));
      this.choice.drop(seats);
      this.#announceHeld(seats);
    } catch (error) {
      await this.#refused(error, seats);
    } finally {
      this.#expect([]);
      this.onEnd();
    }
  }

  /** @param {number[]} seatIds */
  async release(seatIds) {
    if (seatIds.length === 0) return;
    try {
      const released = await this.holds.release(seatIds);
      announce(say("released", { seats: this.#namesOf(this.layout.seatsOf(released)) }), "good");
    } catch (error) {
      announce(explain(error), "bad");
      if (!this.session.lostBy(error)) this.session.refreshSoon();
    }
  }

  /**
   * Say that a hold of these seats is under way; with no seats, that it has ended.
   * @param {number[]} seats
   */
  #expect(seats) {
    this.choice.expectHold(seats);
    this.panel.isHolding = seats.length > 0;
  }

  /** @param {number[]} seats */
  #announceHeld(seats) {
    const hold = this.holds.holdOf(this.layout.ids[seats[0]]);
    const time = writeSeconds(hold ? secondsLeft(hold) : this.schedule.holdSeconds);
    announce(say("heldNow", { seats: this.#namesOf(seats), time }), "good");
    this.panel.showTop();
  }

  /**
   * @param {unknown} error
   * @param {number[]} seats
   */
  async #refused(error, seats) {
    if (error instanceof ApiError && error.code === "SEATS_TAKEN") {
      const named = this.layout.seatsOf(error.seatIds);
      const taken = named.length > 0 ? named : seats;
      this.choice.drop(taken);
      announce(say("takenByOthers", { seats: this.#namesOf(taken) }), "bad");
    } else if (this.session.lostBy(error)) {
      askToLogIn(say("sessionEnded"), () => this.hold());
    } else {
      // We may hold more than we know: from another tab, or from an answer that got lost on its way.
      await this.session.refresh();
      if (seats.every((seat) => this.allocations.mine[seat] === MY_HOLD)) this.#announceHeld(seats);
      else if (codeOf(error) === "TOO_MANY_SEATS") announce(say("tooMany", { count: this.schedule.maxSeats }), "bad");
      else announce(explain(error), "bad");
    }
  }

  /** @param {number[]} seats */
  #namesOf(seats) {
    return seatNames(this.layout, seats);
  }
}
