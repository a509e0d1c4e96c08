// @ts-check
// The way from the map to the checkout: seats that are held become a reservation.

/** @import { Panel } from "./panel.js" */
/** @import { Session } from "./session.js" */

import * as api from "../../api/client.js";
import { askToLogIn } from "../../parts/account.js";
import { announce } from "../../parts/message.js";
import { go } from "../../parts/navigation.js";
import { explain } from "../../parts/refusals.js";
import { say } from "../../parts/words.js";

export class Handover {
  /**
   * @param {number} scheduleId
   * @param {{ session: Session, panel: Panel }} page
   * @param {AbortSignal} leaving
   */
  constructor(scheduleId, { session, panel }, leaving) {
    this.scheduleId = scheduleId;
    this.session = session;
    this.panel = panel;
    addEventListener("pageshow", (event) => this.#cameBack(event), { signal: leaving });
  }

  async checkOut() {
    if (this.panel.isReserving) return;
    this.panel.isReserving = true;
    try {
      const { id, status } = await api.reserve(this.scheduleId);
      // What costs nothing needs no checkout.
      go(status === "PENDING" ? `/checkout/${id}` : `/reservations/${id}?new=1`);
    } catch (error) {
      announce(explain(error), "bad");
      if (this.session.lostBy(error)) askToLogIn(say("sessionEnded"), () => this.checkOut());
      else this.session.refreshSoon();
      this.panel.isReserving = false;
    }
  }

  /**
   * When the buyer comes back from the checkout, the browser may show this page just as it was left.
   * @param {PageTransitionEvent} event
   */
  #cameBack({ persisted }) {
    if (!persisted) return;
    this.panel.isReserving = false;
    this.session.refreshSoon();
  }
}
