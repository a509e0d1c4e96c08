// A page of what belongs to a buyer: loads it, asks to log in where it must, and draws it anew in another language.

import { askToLogIn, forgetAccount, onAccountChange } from "./account.js";
import * as api from "../api/client.js";
import { button, copyTemplate, element, keepFocus, linkButton } from "./elements.js";
import { announce } from "./message.js";
import { explain } from "./refusals.js";
import { onLanguageChange, say } from "./words.js";

/** `load()` fetches what is shown and `draw(it)` gives the elements that show it. `reason` is the key of the words
 * which say what the log-in is for. */
export class OwnedPage {
  #leaving = new AbortController();
  #parts;
  #load;
  #draw;
  #reason;
  #state = "loading";
  #shown = null;

  constructor(main, { load, draw, reason }) {
    const { root, parts } = copyTemplate("owned-page");
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
      if (error.status === 401) this.#fail(error);
      else this.redraw();
    }
  }

  /** Show something; null shows nothing more than the page's state. */
  show(shown) {
    if (this.signal.aborted) return;
    this.#shown = shown;
    if (shown !== null) this.#state = "shown";
    this.redraw();
  }

  /** Say what the page is waiting for: the key of a title, with more words under the key + "Hint". */
  wait(words) {
    if (!this.signal.aborted) this.#setState(words);
  }

  /** Tell of an error of something that the buyer did. */
  tell(error) {
    if (this.signal.aborted) return;
    announce(explain(error), "bad");
    if (error.status === 401) this.#fail(error);
  }

  redraw() {
    if (this.signal.aborted) return;
    const { state, body } = this.#parts;
    state.dataset.state = this.#state;
    state.replaceChildren(...this.#stateElements());
    keepFocus(body, () => body.replaceChildren(...(this.#shown === null ? [] : this.#draw(this.#shown))));
  }

  #setState(state) {
    this.#state = state;
    this.redraw();
  }

  #fail(error) {
    if (this.signal.aborted) return;
    this.#shown = null;
    if (error.status === 401) {
      forgetAccount();
      this.#setState("logIn");
      this.#askToLogIn();
    } else this.#setState(error.status === 404 ? "missing" : "failed");
    if (!(error instanceof api.ApiError || error instanceof api.NetworkError)) throw error;
  }

  #askToLogIn() {
    askToLogIn(say(this.#reason), () => {});
  }

  #accountChanged(account) {
    if (account === null) {
      if (this.#shown === null) return;
      this.#shown = null;
      this.#setState("logIn");
    } else if (this.#state === "logIn") this.load();
  }

  #stateElements() {
    const elements = {
      shown: () => [],
      loading: () => [element("p", {}, say("loading"))],
      logIn: () => [
        element("p", { className: "strong" }, say(this.#reason)),
        button(say("logIn"), { testId: "log-in-here", className: "button primary", onClick: () => this.#askToLogIn() }),
      ],
      missing: () => [
        element("p", { className: "strong" }, say("notYours")),
        linkButton(say("myReservations"), "/reservations", "reservations-link"),
      ],
      failed: () => [
        element("p", { className: "strong" }, say("pageFailed")),
        button(say("tryAgain"), { testId: "try-again", onClick: () => this.load() }),
      ],
    };
    return (elements[this.#state] ?? (() => waitElements(this.#state)))();
  }
}

/** Something that takes a while, and what to do meanwhile. */
export function waitElements(words) {
  return [
    element("span", { className: "spinner", "aria-hidden": "true" }),
    element("p", { className: "strong" }, say(words)),
    element("p", {}, say(`${words}Hint`)),
  ];
}
