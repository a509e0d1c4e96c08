// @ts-check
// A page of what belongs to a buyer: loads it, asks to log in where it must, and draws it anew in another language.

/** @import { Me } from "../api/types.d.ts" */

import * as api from "../api/client.js";
import { askToLogIn, forgetAccount, onAccountChange } from "./account.js";
import { button, copyTemplate, element, keepFocus, linkButton } from "./elements.js";
import { onLanguageChange } from "./language.js";
import { announce } from "./message.js";
import { explain } from "./refusals.js";
import { say } from "./words.js";

/**
 * What a page may be waiting for: the key of a title, with more words under the key + "Hint".
 * @typedef {"confirming" | "checking" | "unreachable"} Waiting
 * @typedef {"loading" | "logIn" | "missing" | "failed" | "shown" | Waiting} PageState
 */

/**
 * `load()` fetches what is shown, and `draw(it)` gives the elements that show it. `reason` is the key of the words
 * which say what the log-in is for.
 * @template Shown
 */
export class OwnedPage {
  #leaving = new AbortController();
  #parts;
  #load;
  #draw;
  #reason;
  /** @type {PageState} */
  #state = "loading";
  /** @type {Shown | null} */
  #shown = null;

  /**
   * @param {HTMLElement} main
   * @param {{
   *   load: () => Promise<Shown | null>,
   *   draw: (shown: Shown) => (Node | string)[],
   *   reason: "logInToPay" | "logInToSee" | "logInToConfirm",
   * }} what
   */
  constructor(main, { load, draw, reason }) {
    const { root, parts } = copyTemplate("owned-page", { state: HTMLElement, body: HTMLElement });
    this.#parts = parts;
    this.#load = load;
    this.#draw = draw;
    this.#reason = reason;
    main.replaceChildren(root);
    onLanguageChange(() => this.redraw(), this.signal);
    onAccountChange((account) => this.#accountChanged(account), this.signal);
  }

  /** Aborts when the page is left. */
  get signal() {
    return this.#leaving.signal;
  }

  /** What is shown, or null. */
  get shown() {
    return this.#shown;
  }

  close() {
    this.#leaving.abort();
  }

  /** Fetch anew, and show what came instead of what is shown. */
  async load() {
    this.#shown = null;
    this.#setState("loading");
    try {
      this.show(await this.#load());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Fetch anew; when that fails, what is shown stands. */
  async refresh() {
    try {
      this.show(await this.#load());
    } catch (error) {
      if (this.signal.aborted) return;
      if (api.statusOf(error) === 401) this.#fail(error);
      else this.redraw();
    }
  }

  /**
   * Show something; null shows nothing more than the page's state.
   * @param {Shown | null} shown
   */
  show(shown) {
    if (this.signal.aborted) return;
    this.#shown = shown;
    if (shown !== null) this.#state = "shown";
    this.redraw();
  }

  /**
   * Say what the page is waiting for.
   * @param {Waiting} what
   */
  wait(what) {
    if (!this.signal.aborted) this.#setState(what);
  }

  /**
   * Tell of an error of something that the buyer did.
   * @param {unknown} error
   */
  tell(error) {
    if (this.signal.aborted) return;
    announce(explain(error), "bad");
    if (api.statusOf(error) === 401) this.#fail(error);
  }

  redraw() {
    if (this.signal.aborted) return;
    const { state, body } = this.#parts;
    state.dataset.state = this.#state;
    state.replaceChildren(...this.#stateElements());
    keepFocus(body, () => body.replaceChildren(...(this.#shown === null ? [] : this.#draw(this.#shown))));
  }

  /** @param {PageState} state */
  #setState(state) {
    this.#state = state;
    this.redraw();
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.signal.aborted) return;
    this.#shown = null;
    if (api.statusOf(error) === 401) {
      forgetAccount();
      this.#setState("logIn");
      this.#askToLogIn();
    } else this.#setState(api.statusOf(error) === 404 ? "missing" : "failed");
    if (!api.isOfCall(error)) throw error;
  }

  #askToLogIn() {
    askToLogIn(say(this.#reason), () => {});
  }

  /** @param {Me | null} account */
  #accountChanged(account) {
    if (account === null) {
      if (this.#shown === null) return;
      this.#shown = null;
      this.#setState("logIn");
    } else if (this.#state === "logIn") this.load();
  }

  /** @returns {(Node | string)[]} */
  #stateElements() {
    switch (this.#state) {
      case "shown":
        return [];
      case "loading":
        return [element("p", {}, say("loading"))];
      case "logIn":
        return [
          strong(say(this.#reason)),
          button(say("logIn"), {
            testId: "log-in-here", className: "button primary", onClick: () => this.#askToLogIn(),
          }),
        ];
      case "missing":
        return [strong(say("notYours")), linkButton(say("myReservations"), "/reservations", "reservations-link")];
      case "failed":
        return [strong(say("pageFailed")), button(say("tryAgain"), { testId: "try-again", onClick: () => this.load() })];
      default:
        return waitElements(this.#state);
    }
  }
}

/** @param {string} text */
const strong = (text) => element("p", { className: "strong" }, text);

/**
 * Something that takes a while, and what to do meanwhile.
 * @param {Waiting} what
 */
export function waitElements(what) {
  return [
    element("span", { className: "spinner", "aria-hidden": "true" }),
    strong(say(what)),
    element("p", {}, say(`${what}Hint`)),
  ];
}
