// @ts-check
// Time running out: announces the last minute of a hold, and asks the server at its end.

/** @import { Layout } from "../../map/layout.js" */
/** @import { Holds } from "./holds.js" */
/** @import { Session } from "./session.js" */

import { announce } from "../../parts/message.js";
import { LAST_MINUTE_SECONDS } from "../../parts/timers.js";
import { say } from "../../parts/words.js";
import { secondsLeft } from "./holds.js";
import { seatNames } from "./names.js";

export class Countdown {
  /** @type {Set<string>} holds whose last minute has been announced */
  #warned = new Set();

  /**
   * @param {Layout} layout
   * @param {Holds} holds
   * @param {Session} session
   */
  constructor(layout, holds, session) {
    this.layout = layout;
    this.holds = holds;
    this.session = session;
  }

  async tick() {
    for (const hold of this.holds.holds) {
      if (secondsLeft(hold) > LAST_MINUTE_SECONDS || this.#warned.has(hold.holdId)) continue;
      this.#warned.add(hold.holdId);
      announce(say("lastMinute"), "bad");
    }
    try {
      const gone = this.layout.seatsOf(await this.holds.expire());
      if (gone.length > 0) announce(say("holdEnded", { seats: seatNames(this.layout, gone) }), "bad");
    } catch (error) {
      this.session.lostBy(error);
    }
  }
}
