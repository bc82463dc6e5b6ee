/** The name as a score writes it: italic, under a slur. */
import { h } from "../dom";

export function wordmark(): HTMLElement {
  const slur = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  slur.setAttribute("viewBox", "0 0 100 18");
  slur.setAttribute("preserveAspectRatio", "none");
  slur.setAttribute("aria-hidden", "true");
  const curve = document.createElementNS("http://www.w3.org/2000/svg", "path");
  // Two curves that meet in points: a slur is thick in the middle.
  curve.setAttribute("d", "M2 16 C 26 1, 72 0, 98 13 C 72 4.500, 27 5.500, 2 16z");
  slur.append(curve);
  return h("span.wordmark", {}, slur, h("span", {}, "segue"));
}
