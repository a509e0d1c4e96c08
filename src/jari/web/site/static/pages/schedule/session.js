// @ts-check
// Keeps up with what the account holds here. It asks when somebody logs in, when the page is seen again, and when
// something contradicts what we believe.

/** @import { Holds } from "./holds.js" */

import { statusOf } from "../../api/client.js";
import { currentAccount, forgetAccount, onAccountChange } from "../../parts/account.js";
import { soon } from "../../parts/timers.js";

const REFRESH_MS = 300;

export class Session {
  #soon;

  /**
   * @param {Holds} holds
   * @param {AbortSignal} leaving
   */
  constructor(holds, leaving) {
    this.holds = holds;
    this.#soon = soon(() => this.refresh(), () => REFRESH_MS * (1 + Math.random()), leaving);
    onAccountChange(() => this.#accountChanged(), leaving);
    document.addEventListener("visibilitychange", () => this.refreshSoon(), { signal: leaving });
    this.#accountChanged();
  }

  refreshSoon() {
    if (currentAccount() && !document.hidden) this.#soon();
  }

  /** Ask now. When that fails, what we knew still stands, and the next change or tick asks again. */
  async refresh() {
    try {
      await this.holds.refresh();
    } catch (error) {
      this.lostBy(error);
    }
  }

  /**
   * Did an error tell that the session has ended? If so, nobody is logged in any more.
   * @param {unknown} error
   */
  lostBy(error) {
    const isLost = statusOf(error) === 401;
    if (isLost) forgetAccount();
    return isLost;
  }

  #accountChanged() {
    if (currentAccount()) this.refresh();
    else this.holds.clear();
  }
}
