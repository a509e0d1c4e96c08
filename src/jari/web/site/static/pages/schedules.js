// The first page: what is on sale, as cards.

import * as api from "../api/client.js";
import { button, copyTemplate, element } from "../parts/elements.js";
import { onLanguageChange, say, translate, writeCount, writeMoment } from "../parts/words.js";

/** Show the page in `main`; returns a function that leaves it. */
export function openSchedules(main) {
  const { root, parts } = copyTemplate("schedules-page");
  const leaving = new AbortController();
  const shown = { schedules: [], page: 0, pages: 1, state: "loading" };

  const draw = () => {
    if (leaving.signal.aborted) return;
    translate(root);
    document.title = `${say("onSale")} · jari 자리`;
    parts.cards.replaceChildren(...shown.schedules.map(card));
    parts.more.hidden = shown.state !== "" || shown.page >= shown.pages;
    drawState(parts.state, shown, load);
  };

  async function load() {
    shown.state = "loading";
    draw();
    try {
      const answer = await api.schedules(shown.page + 1);
      shown.schedules.push(...answer.items);
      shown.page = answer.page;
      shown.pages = answer.pages;
      shown.state = shown.schedules.length === 0 ? "empty" : "";
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

function drawState(area, { state }, load) {
  const contents = {
    loading: () => [element("p", {}, say("loading"))],
    empty: () => [
      element("p", { className: "strong" }, say("nothingOnSale")),
      element("p", {}, say("nothingOnSaleHint")),
    ],
    failed: () => [
      element("p", { className: "strong" }, say("listFailed")),
      button(say("tryAgain"), { testId: "try-again", onClick: load }),
    ],
  };
  area.replaceChildren(...(contents[state]?.() ?? []));
}

function card(schedule) {
  const isOpen = schedule.status === "OPEN";
  const kind = schedule.kind === "performance" ? "performance" : "match";
  return element("li", {},
    element("a", { className: "card", href: `/matches/${schedule.id}`, "data-testid": "schedule-card" },
      element("img", { src: `/static/${kind}.svg`, alt: "", className: "card-cover" }),
      element("div", { className: "card-body" },
        element("div", { className: "card-top" },
          element("span", { className: "card-kind" }, say(kind)),
          element("span", { className: `badge ${isOpen ? "open" : "closed"}` }, say(isOpen ? "open" : "closed"))),
        element("h2", {}, schedule.title),
        element("p", { className: "card-venue" }, schedule.venueName),
        element("p", { className: "card-time" },
          element("time", { dateTime: schedule.startsAt }, writeMoment(schedule.startsAt))),
        opening(schedule),
        element("p", { className: "card-seats" },
          [say("seatCount", { count: writeCount(schedule.seatCount) }), say("perBuyer", { count: schedule.maxSeats })]
            .join(" · ")))));
}

/** When the sale opens, as long as that lies ahead. */
function opening({ status, opensAt }) {
  if (status === "OPEN" || !opensAt || Date.parse(opensAt) < Date.now()) return "";
  return element("p", { className: "card-opening" }, say("opensAt", { when: writeMoment(opensAt) }));
}
