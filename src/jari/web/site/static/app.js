// The start: which page belongs to the address, and how to get from one to the other without loading anew.

import { startAccount, translateAccount } from "./parts/account.js";
import { openCheckout } from "./pages/checkout.js";
import { openConfirmation } from "./pages/confirmation.js";
import { openDecline } from "./pages/decline.js";
import { element } from "./parts/elements.js";
import { hush } from "./parts/message.js";
import { go, mayShareDocument, startNavigation } from "./parts/navigation.js";
import { startProfile } from "./parts/profile.js";
import { openReservation } from "./pages/reservation.js";
import { openReservations } from "./pages/reservations.js";
import { openSchedule } from "./pages/schedule.js";
import { openSchedules } from "./pages/schedules.js";
import { language, onLanguageChange, say, setLanguage, translate } from "./parts/words.js";

const ROUTES = [
  [/^\/$/, (main) => openSchedules(main)],
  [/^\/(?:matches|schedules)\/(\d+)\/?$/, (main, scheduleId) => openSchedule(main, Number(scheduleId))],
  [/^\/checkout\/(\d+)\/?$/, (main, reservationId) => openCheckout(main, Number(reservationId))],
  [/^\/checkout\/success\/?$/, (main) => openConfirmation(main)],
  [/^\/checkout\/fail\/?$/, (main) => openDecline(main)],
  [/^\/reservations\/?$/, (main) => openReservations(main)],
  [/^\/reservations\/(\d+)\/?$/, (main, reservationId) => openReservation(main, Number(reservationId))],
];

let leave = () => {};

function openPage() {
  leave();
  hush();
  scrollTo(0, 0);
  const main = document.getElementById("main");
  for (const [pattern, open] of ROUTES) {
    const match = location.pathname.match(pattern);
    if (match) {
      leave = open(main, ...match.slice(1));
      return;
    }
  }
  leave = () => {};
  main.replaceChildren(element("div", { className: "state" },
    element("p", { className: "strong" }, say("notFound")),
    element("a", { className: "button", href: "/" }, say("toList"))));
}

/** Follow links within the site by the history, as long as nobody asked for a new tab. */
function followLink(event) {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target) return;
  if (link.origin !== location.origin || !ROUTES.some(([pattern]) => pattern.test(link.pathname))) return;
  if (link.hash || link.hasAttribute("download") || !mayShareDocument(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
  document.getElementById("main").focus({ preventScroll: true });
}

function translatePage() {
  document.documentElement.lang = language();
  translate(document.body);
  translateAccount();
  const other = document.getElementById("language-switch");
  other.textContent = language() === "ko" ? "English" : "한국어";
  other.lang = language() === "ko" ? "en" : "ko";
}

document.addEventListener("click", followLink);
document.getElementById("language-switch")
  .addEventListener("click", () => setLanguage(language() === "ko" ? "en" : "ko"));
onLanguageChange(translatePage);
translatePage();
startNavigation(openPage);
startAccount();
startProfile();
openPage();
