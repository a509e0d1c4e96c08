// Small helpers to make and find elements. Text always goes in as text, never as markup.

/** Make an element; `properties` are DOM properties, and attributes where the name has a dash. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== undefined && child !== ""));
  return made;
}

/** Copy a <template>, and return its root with the parts named by `data-part`. */
export function copyTemplate(id) {
  const root = document.getElementById(id).content.firstElementChild.cloneNode(true);
  const parts = {};
  for (const part of root.querySelectorAll("[data-part]")) parts[part.dataset.part] = part;
  return { root, parts };
}

/** A small square in a grade's or a state's colour. The colour goes through the CSSOM, which the page's
 * security policy allows, where a style attribute would be refused. */
export function swatch(color, kind = "available") {
  const made = element("span", { className: `swatch ${kind}`, "aria-hidden": "true" });
  made.style.setProperty("--swatch", color);
  return made;
}

/** A button that a test can find. */
export function button(label, { testId, className = "button", onClick, ...rest }) {
  const made = element("button", { type: "button", className, "data-testid": testId, ...rest }, label);
  made.addEventListener("click", onClick);
  return made;
}

/** A link that looks like a button. */
export const linkButton = (label, href, testId, className = "button") =>
  element("a", { className, href, "data-testid": testId }, label);

/** Draw an area anew without taking the focus from who is in it: by test id, else the area itself. */
export function keepFocus(area, draw) {
  const focused = area.contains(document.activeElement) ? document.activeElement : null;
  const testId = focused?.dataset.testid;
  draw();
  if (focused === null || area.contains(document.activeElement)) return;
  const next = testId ? area.querySelector(`[data-testid="${testId}"]:not(:disabled)`) : null;
  (next ?? area).focus({ preventScroll: true });
}
