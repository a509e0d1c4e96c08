// @ts-check
// Whether the map is live.

/** @import { Connection as State } from "../../api/live.js" */

import { say } from "../../parts/words.js";

export class Connection {
  /** @type {State} */
  #state = "connecting";

  /** @param {HTMLElement} area */
  constructor(area) {
    this.area = area;
  }

  /** @param {State} state */
  show(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.translate();
  }

  translate() {
    this.area.dataset.state = this.#state;
    this.area.textContent = say(this.#state);
  }
}
