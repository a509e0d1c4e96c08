// @ts-check
// From one page to the next: by the history where the next page may stand in this document.

// Only the documents of these addresses may load the gateway's script. So no other page is shown in them, and their
// pages are shown in no other document.
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
 * Is a path of the same kind as this one? If not, the browser must load it with its own policy.
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
