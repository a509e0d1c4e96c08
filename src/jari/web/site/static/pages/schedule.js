// One schedule's page: the seat map, live, and everything a buyer does with it.

import { askToLogIn, currentAccount, forgetAccount, onAccountChange } from "../parts/account.js";
import * as api from "../api/client.js";
import { Allocations, AVAILABLE, MY_HOLD, NOT_MINE, OCCUPIED, STATUSES } from "../map/allocations.js";
import { button, copyTemplate, element } from "../parts/elements.js";
import { Holds } from "./schedule/holds.js";
import { Layout } from "../map/layout.js";
import { Legend } from "./schedule/legend.js";
import { Live } from "../api/live.js";
import { SeatMap } from "../map/map.js";
import { announce } from "../parts/message.js";
import { seatName, stateName } from "./schedule/names.js";
import { go } from "../parts/navigation.js";
import { onPaletteChange } from "../map/palette.js";
import { Panel } from "./schedule/panel.js";
import { explain } from "../parts/refusals.js";
import { SeatList } from "./schedule/seatlist.js";
import { Tip } from "./schedule/tip.js";
import { onLanguageChange, say, translate, writeList, writeSeconds } from "../parts/words.js";

const TICK_MS = 500;
const LAST_MINUTE_SECONDS = 60;
const OPENING_CHECK_MS = 20_000;
const OPENING_SPREAD_MS = 2000;
const REFRESH_HOLDS_MS = 300;
const FLASH_AT_MOST = 3000;
const COUNTS_EVERY_MS = 250;
const NEW_PLAN_AFTER_MS = 1500;
const NEW_PLAN_SPREAD_MS = 2000;

/** Show the page in `main`; returns a function that leaves it. */
export function openSchedule(main, scheduleId) {
  const { root, parts } = copyTemplate("schedule-page");
  const leaving = new AbortController();
  let page = null;
  translate(root);
  main.replaceChildren(root);
  onLanguageChange(() => translate(root), leaving.signal);
  load();
  return () => {
    leaving.abort();
    page?.close();
  };

  async function load() {
    parts.state.replaceChildren(element("p", {}, say("loading")));
    try {
      const [schedule, blocks, seats] = await Promise.all(
        [api.schedule(scheduleId), api.blocks(scheduleId), api.seats(scheduleId)]);
      if (leaving.signal.aborted) return;
      parts.state.replaceChildren();
      page = new SchedulePage(parts, schedule, new Layout(schedule.venue, blocks.blocks, seats), leaving.signal);
    } catch (error) {
      if (!leaving.signal.aborted) showFailure(parts.state, error, load);
      if (!(error instanceof api.ApiError || error instanceof api.NetworkError)) throw error;
    }
  }
}

function showFailure(area, error, load) {
  const missing = error.status === 404;
  area.replaceChildren(
    element("p", { className: "strong" }, say(missing ? "notFound" : "mapFailed")),
    missing ? element("a", { className: "button", href: "/" }, say("toList"))
      : button(say("tryAgain"), { testId: "try-again", onClick: load }));
}

class SchedulePage {
  constructor(parts, schedule, layout, leaving) {
    this.parts = parts;
    this.schedule = schedule;
    this.layout = layout;
    this.leaving = leaving;
    this.allocations = new Allocations(layout);
    this.selection = new Set();
    this.pending = new Set(); // seats whose hold is under way: the stream may tell of it before the answer does
    this.warned = new Set(); // holds whose last minute has been announced
    this.connection = "connecting";
    this.holds = new Holds(schedule.id, () => this.#holdsChanged());
    this.#makeParts();
    this.#translate();
    onLanguageChange(() => this.#translate(), leaving);
    onPaletteChange(() => this.legend.build(), leaving);
    onAccountChange(() => this.#accountChanged(), leaving);
    document.addEventListener("visibilitychange", () => this.#refreshHoldsSoon(), { signal: leaving });
    addEventListener("pageshow", (event) => this.#cameBack(event), { signal: leaving });
    this.#accountChanged();
    this.ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#watchOpening();
    this.live = new Live(schedule.id, {
      onSnapshot: (snapshot) => this.#takeSnapshot(snapshot),
      onChanges: (changes) => this.#takeChanges(changes),
      onState: (state) => this.#showConnection(state),
      onNewEpoch: () => this.#openAnewSoon(),
    });
    this.#exposeForTests();
  }

  close() {
    this.live.close();
    this.map.close();
    clearInterval(this.ticker);
    clearTimeout(this.openingTimer);
    clearTimeout(this.refreshTimer);
    clearTimeout(this.countsTimer);
    clearTimeout(this.anewTimer);
    delete document.documentElement.dataset.ready;
    delete window.jari;
  }

  /** The venue has a new plan, perhaps. Every page hears of it at once, so they ask for it one after the other, and not
   * before every server has looked. */
  #openAnewSoon() {
    clearTimeout(this.anewTimer);
    this.anewTimer = setTimeout(() => go(location.pathname + location.search),
      NEW_PLAN_AFTER_MS + NEW_PLAN_SPREAD_MS * Math.random());
  }

  #makeParts() {
    const { parts, layout, allocations, selection } = this;
    const shared = { layout, allocations, selection };
    this.map = new SeatMap({
      ...shared,
      canvas: parts.seats,
      marksCanvas: parts.marks,
      onTap: (seat) => this.#choose(seat),
      onPoint: (seat, left, top) => this.tip?.show(seat, left, top),
    });
    this.tip = new Tip(parts.tip, shared);
    this.legend = new Legend(parts.legend, parts.key, shared);
    this.seatList = new SeatList(parts.blockSelect, parts.rows, {
      ...shared,
      onChoose: (seat) => this.#choose(seat),
      onBlock: (block) => this.map.showBlock(block),
    });
    this.panel = new Panel(parts, {
      ...shared,
      schedule: this.schedule,
      holds: this.holds,
      actions: {
        unselect: (seat) => this.#unselect([seat]),
        hold: () => this.#hold(),
        release: (ids) => this.#release(ids),
        checkOut: () => this.#checkOut(),
        show: (seat) => this.map.showSeat(seat),
      },
    });
    parts.zoomIn.addEventListener("click", () => this.map.zoomIn());
    parts.zoomOut.addEventListener("click", () => this.map.zoomOut());
    parts.zoomWhole.addEventListener("click", () => this.map.showWhole());
  }

  #translate() {
    document.title = `${this.schedule.title} · jari 자리`;
    this.legend.build();
    this.seatList.build();
    this.tip.refresh();
    this.panel.draw();
    this.#showConnection(this.connection);
  }

  // What the stream says

  #takeSnapshot(snapshot) {
    const isFirst = this.allocations.version < 0;
    const changed = this.allocations.replace(snapshot);
    // After a long absence nearly everything is new, and flashing everywhere says nothing.
    this.#seatsChanged(changed, { flash: !isFirst && changed.length < FLASH_AT_MOST });
    if (!isFirst) return;
    this.legend.refresh();
    this.map.drawNow();
    document.documentElement.dataset.ready = "true";
  }

  #takeChanges(changes) {
    this.#seatsChanged(this.allocations.apply(changes), { flash: true });
  }

  #seatsChanged(seats, options) {
    if (seats.length === 0) return;
    this.map.repaint(seats, options);
    this.seatList.refresh(seats);
    if (seats.includes(this.tip.seat)) this.tip.refresh();
    this.#refreshCountsSoon();
    this.#dropTaken(seats);
    if (seats.some((seat) => this.#contradictsHolds(seat))) this.#refreshHoldsSoon();
  }

  /** A seat that I believe to hold was freed or sold: elsewhere, or its time was up. Only the server knows;
   * the stream may still be telling of the time before my hold. */
  #contradictsHolds(seat) {
    const { mine, status } = this.allocations;
    return mine[seat] === MY_HOLD && (status[seat] === AVAILABLE || status[seat] === OCCUPIED);
  }

  #dropTaken(seats) {
    const taken = seats.filter((seat) =>
      this.selection.has(seat) && !this.pending.has(seat) && !this.allocations.isFree(seat));
    if (taken.length === 0) return;
    this.#unselect(taken);
    announce(say("justTaken", { seats: this.#names(taken) }), "bad");
  }

  #refreshCountsSoon() {
    this.countsTimer ??= setTimeout(() => {
      this.countsTimer = undefined;
      this.legend.refresh();
    }, COUNTS_EVERY_MS);
  }

  #showConnection(state) {
    this.connection = state;
    const area = this.parts.connection;
    const text = say(state);
    if (area.dataset.state === state && area.textContent === text) return;
    area.dataset.state = state;
    area.textContent = text;
  }

  // What the buyer does

  #choose(seat) {
    if (this.selection.has(seat)) this.#unselect([seat]);
    else if (this.allocations.isFree(seat)) this.#select(seat);
    else {
      const status = stateName(this.allocations, this.selection, seat);
      announce(say("notAvailable", { seat: seatName(this.layout, seat), status }));
    }
  }

  #select(seat) {
    if (this.selection.size + this.holds.size >= this.schedule.maxSeats) {
      announce(say("tooMany", { count: this.schedule.maxSeats }), "bad");
      return;
    }
    this.selection.add(seat);
    this.#selectionChanged([seat]);
  }

  #unselect(seats) {
    for (const seat of seats) this.selection.delete(seat);
    this.#selectionChanged(seats);
  }

  #selectionChanged(seats) {
    this.map.remark();
    this.seatList.refresh(seats);
    this.tip.refresh();
    this.panel.draw();
  }

  async #hold() {
    if (this.panel.holding || this.selection.size === 0) return;
    if (!currentAccount()) {
      askToLogIn(say("logInToHold"), () => this.#hold());
      return;
    }
    const seats = [...this.selection];
    this.#setHolding(seats);
    try {
      await this.holds.take(this.#ids(seats));
      this.#unselect(seats);
      this.#announceHeld(seats);
    } catch (error) {
      await this.#holdRefused(error, seats);
    } finally {
      this.#setHolding([]);
      this.#dropTaken([...this.selection]);
    }
  }

  #announceHeld(seats) {
    const id = this.layout.ids[seats[0]];
    const hold = this.holds.holds.find(({ seatIds }) => seatIds.includes(id));
    const time = writeSeconds(hold ? this.holds.secondsLeft(hold) : this.schedule.holdSeconds);
    announce(say("heldNow", { seats: this.#names(seats), time }), "good");
    this.panel.showTop();
  }

  #setHolding(seats) {
    this.pending = new Set(seats);
    this.panel.holding = seats.length > 0;
    this.panel.draw();
  }

  async #holdRefused(error, seats) {
    if (error.code === "SEATS_TAKEN") {
      const named = this.#indices(error.seatIds);
      const taken = named.length > 0 ? named : seats;
      this.#unselect(taken);
      announce(say("takenByOthers", { seats: this.#names(taken) }), "bad");
    } else if (error.status === 401) {
      forgetAccount();
      askToLogIn(say("sessionEnded"), () => this.#hold());
    } else {
      // We may hold more than we know: from another tab, or from an answer that got lost on its way.
      await this.#refreshHolds();
      const isMine = (seat) => this.allocations.mine[seat] === MY_HOLD;
      if (seats.every(isMine)) this.#announceHeld(seats);
      else if (error.code === "TOO_MANY_SEATS") announce(say("tooMany", { count: this.schedule.maxSeats }), "bad");
      else announce(explain(error), "bad");
    }
  }

  async #release(ids) {
    if (ids.length === 0) return;
    try {
      const released = await this.holds.release(ids);
      announce(say("released", { seats: this.#names(this.#indices(released)) }), "good");
    } catch (error) {
      announce(explain(error), "bad");
      if (error.status === 401) forgetAccount();
      else this.#refreshHoldsSoon();
    }
  }

  async #checkOut() {
    if (this.panel.reserving) return;
    this.#setReserving(true);
    try {
      const { id, status } = await api.reserve(this.schedule.id);
      // What costs nothing needs no checkout.
      go(status === "PENDING" ? `/checkout/${id}` : `/reservations/${id}?new=1`);
    } catch (error) {
      announce(explain(error), "bad");
      if (error.status === 401) {
        forgetAccount();
        askToLogIn(say("sessionEnded"), () => this.#checkOut());
      } else this.#refreshHoldsSoon();
      this.#setReserving(false);
    }
  }

  /** Back from the checkout the browser may show this page just as it was left. */
  #cameBack({ persisted }) {
    if (!persisted) return;
    this.#setReserving(false);
    this.#refreshHoldsSoon();
  }

  #setReserving(reserving) {
    this.panel.reserving = reserving;
    this.panel.draw();
  }

  // What is mine

  async #accountChanged() {
    if (currentAccount()) await this.#refreshHolds();
    else this.holds.clear();
  }

  #refreshHoldsSoon() {
    if (!currentAccount() || document.hidden) return;
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = undefined;
      this.#refreshHolds();
    }, REFRESH_HOLDS_MS * (1 + Math.random()));
  }

  async #refreshHolds() {
    try {
      await this.holds.refresh();
    } catch (error) {
      if (error.status === 401) forgetAccount();
      // Else what we knew still stands, and the next change or tick asks again.
    }
  }

  #holdsChanged() {
    if (this.leaving.aborted) return;
    const changed = this.allocations.own(this.holds.heldIds, this.holds.occupied);
    for (const seat of changed) {
      if (this.allocations.mine[seat] !== NOT_MINE) this.selection.delete(seat);
    }
    const room = Math.max(0, this.schedule.maxSeats - this.holds.size);
    // What is already mine counts; only a log-in can show that too much was selected before it.
    const excess = this.pending.size > 0 ? [] : [...this.selection].slice(room);
    for (const seat of excess) this.selection.delete(seat);
    this.map?.repaint(changed);
    this.seatList?.refresh([...changed, ...excess]);
    this.tip?.refresh();
    this.panel?.draw();
  }

  async #tick() {
    this.panel.tick();
    for (const hold of this.holds.holds) {
      if (this.holds.secondsLeft(hold) > LAST_MINUTE_SECONDS || this.warned.has(hold.holdId)) continue;
      this.warned.add(hold.holdId);
      announce(say("lastMinute"), "bad");
    }
    try {
      const gone = await this.holds.expire();
      if (gone.length > 0) announce(say("holdEnded", { seats: this.#names(this.#indices(gone)) }), "bad");
    } catch (error) {
      if (error.status === 401) forgetAccount();
    }
  }

  // Before the sale opens

  /** The stream does not tell when a sale opens; ask at its time, and now and then in case it comes earlier. */
  #watchOpening() {
    if (this.schedule.status === "OPEN") return;
    const untilOpeningMs = Date.parse(this.schedule.opensAt) - Date.now();
    const waitMs = untilOpeningMs > 0 ? Math.min(untilOpeningMs, OPENING_CHECK_MS) : OPENING_CHECK_MS;
    // Spread out, because everybody waits for the same second.
    this.openingTimer = setTimeout(() => this.#checkOpening(), waitMs + Math.random() * OPENING_SPREAD_MS);
  }

  async #checkOpening() {
    try {
      if (!document.hidden) Object.assign(this.schedule, await api.schedule(this.schedule.id));
    } catch {
      // The next check comes anyway.
    }
    if (this.leaving.aborted) return;
    this.panel.draw();
    this.#watchOpening();
  }

  // Names and numbers

  #ids(seats) {
    return seats.map((seat) => this.layout.ids[seat]);
  }

  #indices(ids) {
    return ids.map((id) => this.layout.indexOf.get(id)).filter((seat) => seat !== undefined);
  }

  #names(seats) {
    return writeList(seats.map((seat) => seatName(this.layout, seat)));
  }

  #exposeForTests() {
    const index = (id) => this.layout.indexOf.get(id);
    window.jari = {
      seatStatus: (id) => STATUSES[this.allocations.status[index(id)]],
      seatPosition: (id) => this.map.positionOf(index(id)),
      seatColor: (id) => this.map.colorOf(index(id)),
      zoomTo: (id) => this.map.jumpTo(index(id)),
      version: () => this.allocations.version,
    };
  }
}
