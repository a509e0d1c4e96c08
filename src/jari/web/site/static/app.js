// @ts-check
// The start: finds the page that belongs to the address, and leads from page to page without loading anew.

import { openCheckout } from "./pages/checkout.js";
import { openConfirmation } from "./pages/confirmation.js";
import { openDecline } from "./pages/decline.js";
import { openReservation } from "./pages/reservation.js";
import { openReservations } from "./pages/reservations.js";
import { openSchedule } from "./pages/schedule.js";
import { openSchedules } from "./pages/schedules.js";
import { startAccount, translateAccount } from "./parts/account.js";
import { byId, element } from "./parts/elements.js";
import { language, onLanguageChange, setLanguage } from "./parts/language.js";
import { hush } from "./parts/message.js";
import { go, mayShareDocument, startNavigation } from "./parts/navigation.js";
import { startProfile } from "./parts/profile.js";
import { say, translate } from "./parts/words.js";

/**
 * Shows a page in `main`, with the number of the address where it has one; returns a function that leaves it.
 * @typedef {(main: HTMLElement, id: number) => () => void} Open
 */

/** @type {[RegExp, Open][]} */
const ROUTES = [
  [/^\/$/, openSchedules],
  [/^\/(?:matches|schedules)\/(\d+)\/?$/, openSchedule],
  [/^\/checkout\/(\d+)\/?$/, openCheckout],
  [/^\/checkout\/success\/?$/, openConfirmation],
  [/^\/checkout\/fail\/?$/, openDecline],
  [/^\/reservations\/?$/, openReservations],
  [/^\/reservations\/(\d+)\/?$/, openReservation],
];

const main = byId("main", HTMLElement);
const languageSwitch = byId("language-switch", HTMLElement);

let leave = () => {};

function openPage() {
  leave();
  hush();
  scrollTo(0, 0);
  for (const [pattern, open] of ROUTES) {
    const match = location.pathname.match(pattern);
    if (match) {
      leave = open(main, Number(match[1]));
      return;
    }
  }
  leave = () => {};
  main.replaceChildren(element("div", { className: "state" },
    element("p", { className: "strong" }, say("notFound")),
    element("a", { className: "button", href: "/" }, say("toList"))));
}

/**
 * Follow links within the site by the history, unless the buyer asks for a new tab.
 * @param {MouseEvent} event
 */
function followLink(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || !link.hasAttribute("href") || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target) return;
  if (link.origin !== location.origin || !ROUTES.some(([pattern]) => pattern.test(link.pathname))) return;
  if (link.hash || link.hasAttribute("download") || !mayShareDocument(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
  main.focus({ preventScroll: true });
}

function translatePage() {
  document.documentElement.lang = language();
  translate(document.body);
  translateAccount();
  languageSwitch.textContent = language() === "ko" ? "English" : "한국어";
  languageSwitch.lang = language() === "ko" ? "en" : "ko";
}

document.addEventListener("click", followLink);
languageSwitch.addEventListener("click", () => setLanguage(language() === "ko" ? "en" : "ko"));
onLanguageChange(translatePage);
translatePage();
startNavigation(openPage);
startAccount();
startProfile();
openPage();
