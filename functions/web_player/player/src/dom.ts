/** Elements without a framework. Text goes in as text nodes, so data can never become markup. */

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

const SVG = "http://www.w3.org/2000/svg";

/**
 * `h("button.round", { "aria-label": "Play", onclick: … }, "…")`. Classes may follow the tag;
 * attributes that are null, undefined or false are left out; `on…` functions become listeners.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  selector: K | `${K}.${string}`,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag as K);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as (event: Event) => void);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
}

/** An icon of 24 × 24 units, drawn in the current colour. */
export function icon(path: string, { stroke = false } = {}): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", stroke ? "icon stroke" : "icon");
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

export const ICONS = {
  play: "M7 4.2v15.6c0 .8.9 1.3 1.6.8l11.6-7.8c.6-.4.6-1.3 0-1.7L8.6 3.4C7.9 3 7 3.400 7 4.200z",
  pause: "M6.500 4h3.200c.4 0 .8.4.8.8v14.400c0 .4-.4.8-.8.8H6.500c-.4 0-.8-.4-.8-.8V4.800c0-.4.4-.8.8-.8zm7.800 0h3.200c.4 0 .8.4.8.8v14.400c0 .4-.4.8-.8.8h-3.200c-.4 0-.8-.4-.8-.8V4.800c0-.4.4-.8.8-.8z",
  next: "M5 4.600v14.800c0 .6.7 1 1.200.6L17 12.700V20h2.400V4H17v7.300L6.200 4C5.700 3.600 5 4 5 4.600z",
  previous: "M19 4.600v14.800c0 .6-.7 1-1.200.6L7 12.700V20H4.600V4H7v7.300L17.800 4c.5-.4 1.200 0 1.200.6z",
  volume: "M4 9.500v5h3.500l5 4.500V5l-5 4.500zM15.500 8.500a5 5 0 0 1 0 7M18 6a8.500 8.500 0 0 1 0 12",
  muted: "M4 9.500v5h3.500l5 4.500V5l-5 4.500zM16 9.500l5 5M21 9.500l-5 5",
  search: "M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zM15.500 15.500L20.500 20.500",
  queue: "M4 6.500h16M4 12h10M4 17.500h7M17 12.500v7.500l4.500-3.750z",
  close: "M6 6l12 12M18 6L6 18",
  down: "M5 9l7 7 7-7",
  add: "M12 5v14M5 12h14",
  radio: "M12 12h.01M8.500 8.500a5 5 0 0 0 0 7M15.500 8.500a5 5 0 0 1 0 7M5.600 5.600a9 9 0 0 0 0 12.800M18.400 5.600a9 9 0 0 1 0 12.800",
  more: "M5.500 12h.01M12 12h.01M18.500 12h.01",
} as const;

export function focusable(element: HTMLElement): HTMLElement {
  element.tabIndex = -1;
  return element;
}
