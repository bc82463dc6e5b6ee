/** A small menu beside a recommended track, with which it is hidden or reported. */
import { explain } from "../api";
import type { App } from "../app";
import { h, icon, ICONS } from "../dom";
import type { Track } from "../models";
import { announce, showError } from "./toast";

interface Choice {
  kind: "hide" | "report";
  label: string;
  done: (name: string) => string;
}

const CHOICES: readonly Choice[] = [
  { kind: "hide", label: "Not for me", done: (name) => `${name} won’t be recommended again` },
  { kind: "report", label: "Report", done: (name) => `${name} is reported. Thank you` },
];

/** The menu of `track`; `shown()` is the element that stands for it, one of several in a row. */
export function feedbackMenu({ feedback }: App, track: Track, shown: () => HTMLElement): HTMLElement {
  const takeBack = async (element: HTMLElement): Promise<void> => {
    try {
      await feedback.takeBack(track.id, element);
      element.querySelector<HTMLElement>("[data-row]")?.focus();
    } catch (error) {
      showError(explain(error));
    }
  };
  const choose = async ({ kind, done }: Choice): Promise<void> => {
    const element = shown();
    menu.open = false;
    neighbour(element)?.querySelector<HTMLElement>("[data-row]")?.focus();
    try {
      await feedback.give(kind, track.id, element);
      announce(done(track.name), kind === "hide" ? () => void takeBack(element) : undefined);
    } catch (error) {
      showError(explain(error));
    }
  };
  const menu = h(
    "details.feedback",
    {
      onkeydown: (event: KeyboardEvent) => {
        if (event.key !== "Escape" || !menu.open) return;
        event.preventDefault();
        menu.open = false;
        menu.querySelector("summary")?.focus();
      },
      onfocusout: (event: FocusEvent) => {
        if (!menu.contains(event.relatedTarget as Node | null)) menu.open = false;
      },
    },
    h(
      "summary.quiet",
      { "aria-label": `Not for me, or report: ${track.name}`, title: "Not for me …", "data-testid": "feedback" },
      icon(ICONS.more, { stroke: true }),
    ),
    h(
      "div.feedback-menu",
      {},
      ...CHOICES.map((choice) =>
        h(
          "button.button",
          { type: "button", "data-testid": `feedback-${choice.kind}`, onclick: () => void choose(choice) },
          choice.label,
        ),
      ),
    ),
  );
  return menu;
}

/** Where the focus goes when `element` is out of sight. */
function neighbour(element: Element): Element | null {
  for (let next = element.nextElementSibling; next; next = next.nextElementSibling) {
    if (!next.matches("[hidden]")) return next;
  }
  let before = element.previousElementSibling;
  while (before?.matches("[hidden]")) before = before.previousElementSibling;
  return before;
}
