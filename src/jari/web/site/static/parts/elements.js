// @ts-check
// Small helpers to make and find elements. Text always goes in as text, never as markup.

/**
 * @template {HTMLElement} Kind
 * @typedef {new () => Kind} ElementClass
 */

/**
 * Make an element; `properties` are DOM properties, and attributes where the name has a dash. "" is no child.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} properties
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, String(value));
    else Reflect.set(made, name, value);
  }
  made.append(...children.filter((child) => child !== ""));
  return made;
}

/**
 * The document's element of an id, which has to be of a class.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {ElementClass<Kind>} kind
 */
export function byId(id, kind) {
  const part = document.getElementById(id);
  if (!(part instanceof kind)) throw new TypeError(`The document has no ${kind.name} with the id "${id}".`);
  return part;
}

/**
 * Copy a <template>, and return its root with the parts named by `data-part`, each of the class that `kinds` says.
 * @template {Record<string, ElementClass<HTMLElement>>} Kinds
 * @param {string} id
 * @param {Kinds} kinds
 * @returns {{ root: HTMLElement, parts: { [Name in keyof Kinds]: InstanceType<Kinds[Name]> } }}
 */
export function copyTemplate(id, kinds) {
  const root = byId(id, HTMLTemplateElement).content.firstElementChild?.cloneNode(true);
  if (!(root instanceof HTMLElement)) throw new TypeError(`The template "${id}" is empty.`);
  /** @type {any} */
  const parts = {};
  for (const [name, kind] of Object.entries(kinds)) {
    parts[name] = root.querySelector(`[data-part="${name}"]`);
    if (!(parts[name] instanceof kind)) throw new TypeError(`The template "${id}" has no ${kind.name} named "${name}".`);
  }
  return { root, parts };
}

/**
 * A small square in a grade's or a state's colour. The colour goes through the CSSOM, which the page's
 * security policy allows, where a style attribute would be refused.
 * @param {string} color
 */
export function swatch(color, kind = "available") {
  const made = element("span", { className: `swatch ${kind}`, "aria-hidden": "true" });
  made.style.setProperty("--swatch", color);
  return made;
}

/**
 * A button that a test can find.
 * @param {string} label
 * @param {{ testId: string, onClick: () => void, className?: string } & Record<string, unknown>} properties
 */
export function button(label, { testId, onClick, className = "button", ...rest }) {
  const made = element("button", { type: "button", className, "data-testid": testId, ...rest }, label);
  made.addEventListener("click", onClick);
  return made;
}

/**
 * A link that looks like a button.
 * @param {string} label
 * @param {string} href
 * @param {string} testId
 */
export const linkButton = (label, href, testId, className = "button") =>
  element("a", { className, href, "data-testid": testId }, label);

/**
 * Draw an area anew, and keep the focus in it. The focus goes to the element with the same test id that is now in the
 * same place among its like; if there is none any more, it goes to the `fallback`.
 * @param {HTMLElement} area
 * @param {() => void} draw
 */
export function keepFocus(area, draw, fallback = area) {
  const focused = document.activeElement;
  if (!(focused instanceof HTMLElement && area.contains(focused))) {
    draw();
    return;
  }
  const alike = () => [...area.querySelectorAll(`[data-testid="${focused.dataset.testid}"]`)];
  const place = alike().indexOf(focused);
  draw();
  if (area.contains(document.activeElement) && canFocus(document.activeElement)) return;
  const next = alike().filter(canFocus);
  (next[Math.min(place, next.length - 1)] ?? fallback).focus({ preventScroll: true });
}

/**
 * @param {Element | null} part
 * @returns {part is HTMLElement}
 */
const canFocus = (part) => part instanceof HTMLElement && !part.matches(":disabled") && part.offsetParent !== null;
