// @ts-check
// From one page to the next: by the history where the next page may stand in this document.

// The documents of these addresses alone may load the gateway's script, so no other page is shown in them, and
// none of theirs in another document.
const CHECKOUT = /^\/checkout\//;

let show = () => {};

/**
 * `showPage()` draws the page that belongs to the address.
 * @param {() => void} showPage
 */
export function startNavigation(showPage) {
  show = showPage;
  addEventListener("popstate", showPage);
}

/**
 * Go to a path; Back leads here again.
 * @param {string} path
 */
export function go(path) {
  if (!mayShareDocument(path)) location.assign(path);
  else if (path === here()) show();
  else change("pushState", path);
}

/**
 * Go to a path in place of this one, which Back then passes over.
 * @param {string} path
 */
export function goInstead(path) {
  if (mayShareDocument(path)) change("replaceState", path);
  else location.replace(path);
}

/** Show the present page anew. */
export const reopen = () => show();

/**
 * Is a path of the same kind as this one? Else it has to be loaded, for a policy of its own.
 * @param {string} path
 */
export const mayShareDocument = (path) => CHECKOUT.test(path) === CHECKOUT.test(location.pathname);

const here = () => location.pathname + location.search;

/**
 * @param {"pushState" | "replaceState"} method
 * @param {string} path
 */
function change(method, path) {
  history[method](null, "", path);
  show();
}
