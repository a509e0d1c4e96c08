// @ts-check
// The first page: what is on sale, as cards.

/** @import { ScheduleAnswer } from "../api/types.d.ts" */

import * as api from "../api/client.js";
import { button, copyTemplate, element } from "../parts/elements.js";
import { writeMoment } from "../parts/formats.js";
import { onLanguageChange } from "../parts/language.js";
import { say, translate } from "../parts/words.js";

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 */
export function openSchedules(main) {
  const { root, parts } = copyTemplate("schedules-page",
    { state: HTMLElement, cards: HTMLElement, more: HTMLButtonElement });
  const leaving = new AbortController();
  const shown = {
    schedules: /** @type {ScheduleAnswer[]} */ ([]),
    page: 0,
    pages: 1,
    state: /** @type {State} */ ("loading"),
  };

  const draw = () => {
    if (leaving.signal.aborted) return;
    translate(root);
    document.title = `${say("onSale")} · jari 자리`;
    parts.cards.replaceChildren(...shown.schedules.map(card));
    parts.more.hidden = shown.state !== "shown" || shown.page >= shown.pages;
    parts.state.replaceChildren(...stateElements(shown.state, load));
  };

  async function load() {
    shown.state = "loading";
    draw();
    try {
      const answer = await api.schedules(shown.page + 1);
      shown.schedules.push(...answer.items);
      shown.page = answer.page;
      shown.pages = answer.pages;
      shown.state = shown.schedules.length === 0 ? "empty" : "shown";
    } catch {
      shown.state = "failed";
    }
    draw();
  }

  parts.more.addEventListener("click", load);
  onLanguageChange(draw, leaving.signal);
  main.replaceChildren(root);
  load();
  return () => leaving.abort();
}

/** @typedef {"loading" | "empty" | "failed" | "shown"} State */

/**
 * @param {State} state
 * @param {() => void} retry
 */
function stateElements(state, retry) {
  switch (state) {
    case "loading":
      return [element("p", {}, say("loading"))];
    case "empty":
      return [
        element("p", { className: "strong" }, say("nothingOnSale")),
        element("p", {}, say("nothingOnSaleHint")),
      ];
    case "failed":
      return [
        element("p", { className: "strong" }, say("listFailed")),
        button(say("tryAgain"), { testId: "try-again", onClick: retry }),
      ];
    default:
      return [];
  }
}

/** @param {ScheduleAnswer} schedule */
function card({ id, kind, status, title, venueName, startsAt, opensAt, seatCount, maxSeats }) {
  const isOpen = status === "OPEN";
  return element("li", {},
    element("a", { className: "card", href: `/matches/${id}`, "data-testid": "schedule-card" },
      element("img", { src: new URL(`../${kind}.svg`, import.meta.url).href, alt: "", className: "card-cover" }),
      element("div", { className: "card-body" },
        element("div", { className: "card-top" },
          element("span", { className: "card-kind" }, say(kind)),
          element("span", { className: `badge ${isOpen ? "open" : "closed"}` }, say(isOpen ? "open" : "closed"))),
        element("h2", {}, title),
        element("p", { className: "card-venue" }, venueName),
        element("p", { className: "card-time" }, element("time", { dateTime: startsAt }, writeMoment(startsAt))),
        // The time when the sale opens, as long as that lies ahead.
        isOpen || Date.parse(opensAt) < Date.now() ? ""
          : element("p", { className: "card-opening" }, say("opensAt", { when: writeMoment(opensAt) })),
        element("p", { className: "card-seats" },
          [say("seatCount", { count: seatCount }), say("perBuyer", { count: maxSeats })].join(" · ")))));
}
