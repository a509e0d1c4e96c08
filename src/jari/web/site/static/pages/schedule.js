// @ts-check
// One schedule's page: the seat map, live, and everything a buyer does with it. schedule/ has its pieces; here they
// are put together.

/** @import { ScheduleWithVenue } from "../api/types.d.ts" */
/** @import { Parts } from "./schedule/parts.js" */

import * as api from "../api/client.js";
import { Allocations } from "../map/allocations.js";
import { Layout } from "../map/layout.js";
import { button, element, linkButton } from "../parts/elements.js";
import { onLanguageChange } from "../parts/language.js";
import { announce } from "../parts/message.js";
import { every, TICK_MS } from "../parts/timers.js";
import { say, translate } from "../parts/words.js";
import { Choice } from "./schedule/choice.js";
import { Countdown } from "./schedule/countdown.js";
import { Following } from "./schedule/following.js";
import { Handover } from "./schedule/handover.js";
import { Holding } from "./schedule/holding.js";
import { Holds } from "./schedule/holds.js";
import { seatName, stateName } from "./schedule/names.js";
import { watchOpening } from "./schedule/opening.js";
import { copyParts } from "./schedule/parts.js";
import { Session } from "./schedule/session.js";
import { Views } from "./schedule/views.js";

/**
 * Show the page in `main`; returns a function that leaves it.
 * @param {HTMLElement} main
 * @param {number} scheduleId
 */
export function openSchedule(main, scheduleId) {
  const { root, parts } = copyParts();
  const leaving = new AbortController();
  translate(root);
  main.replaceChildren(root);
  onLanguageChange(() => translate(root), leaving.signal);
  load(parts, scheduleId, leaving.signal);
  return () => leaving.abort();
}

/**
 * @param {Parts} parts
 * @param {number} scheduleId
 * @param {AbortSignal} leaving
 */
async function load(parts, scheduleId, leaving) {
  parts.state.replaceChildren(element("p", {}, say("loading")));
  try {
    const [schedule, { blocks }, seats] = await Promise.all(
      [api.schedule(scheduleId), api.blocks(scheduleId), api.seats(scheduleId)]);
    if (leaving.aborted) return;
    parts.state.replaceChildren();
    start(parts, schedule, new Layout(schedule.venue, blocks, seats), leaving);
  } catch (error) {
    if (!leaving.aborted) {
      parts.state.replaceChildren(...failure(error, () => load(parts, scheduleId, leaving)));
    }
    if (!api.isOfCall(error)) throw error;
  }
}

/**
 * @param {unknown} error
 * @param {() => void} retry
 */
function failure(error, retry) {
  return api.statusOf(error) === 404
    ? [element("p", { className: "strong" }, say("notFound")), linkButton(say("toList"), "/", "list-link")]
    : [element("p", { className: "strong" }, say("mapFailed")),
      button(say("tryAgain"), { testId: "try-again", onClick: retry })];
}

/**
 * @param {Parts} parts
 * @param {ScheduleWithVenue} schedule
 * @param {Layout} layout
 * @param {AbortSignal} leaving
 */
function start(parts, schedule, layout, leaving) {
  const allocations = new Allocations(layout);
  const holds = new Holds(schedule.id);
  const choice = new Choice(schedule, allocations, holds);
  const seats = { layout, allocations, selection: choice.seats };
  const views = new Views(parts, { schedule, seats, holds }, {
    choose,
    drop: (seat) => choice.drop([seat]),
    hold: () => holding.hold(),
    release: (seatIds) => holding.release(seatIds),
    checkOut: () => handover.checkOut(),
  }, leaving);
  choice.changes.add((changed) => views.choiceChanged(changed), leaving);
  holds.changes.add(holdsChanged, leaving);

  const session = new Session(holds, leaving);
  const page = { seats, choice, holds, session, views, panel: views.panel };
  const following = new Following(schedule.id, page, leaving);
  const holding = new Holding(schedule, page, () => following.dropTaken(choice.seats));
  const handover = new Handover(schedule.id, page, leaving);
  const countdown = new Countdown(layout, holds, session);
  every(() => {
    views.panel.tick();
    countdown.tick();
  }, TICK_MS, leaving);
  watchOpening(schedule, () => views.panel.draw(), leaving);

  function holdsChanged() {
    const changed = allocations.own(holds.heldIds, holds.occupied);
    choice.makeRoom();
    views.ownChanged(changed);
  }

  /** @param {number} seat */
  function choose(seat) {
    if (choice.seats.has(seat)) choice.drop([seat]);
    else if (!allocations.isFree(seat)) {
      announce(say("notAvailable", { seat: seatName(layout, seat), status: stateName(seats, seat) }));
    } else if (choice.room === 0) announce(say("tooMany", { count: schedule.maxSeats }), "bad");
    else choice.add(seat);
  }
}
