/** Waiting, nothing there, something broke. */
import { explain } from "../api";
import { h } from "../dom";

/** Grey shapes where content will be; `label` is what a screen reader hears meanwhile. */
export function skeleton(label: string, shapes: "cards" | "rows" | "album"): HTMLElement {
  const count = shapes === "rows" ? 6 : 10;
  return h(
    "div.skeleton",
    { class: `skeleton ${shapes}`, role: "status", "aria-label": label },
    ...Array.from({ length: count }, () => h("span.bone")),
  );
}

/** An empty state: a rest in the score, and what to do about it. */
export function nothing(title: string, advice: string, action?: HTMLElement): HTMLElement {
  return h(
    "div.nothing",
    {},
    h("span.rest", { "aria-hidden": "true" }),
    h("p.nothing-title", {}, title),
    h("p", {}, advice),
    action,
  );
}

export function failure(error: unknown, retry: () => void): HTMLElement {
  const view = nothing(
    "That didn’t come through",
    explain(error),
    h("button.button", { type: "button", onclick: retry }, "Try again"),
  );
  view.setAttribute("role", "alert");
  return view;
}
