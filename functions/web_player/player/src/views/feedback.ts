/** A small menu beside a recommended track, with which it is hidden or reported. */
import { explain } from "../api";
import { during, type Visit } from "../app";
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
export function feedbackMenu({ app: { feedback } }: Visit, track: Track, shown: () => HTMLElement): HTMLElement {
  const takeBack = async (): Promise<void> => {
    try {
      await feedback.takeBack(track.id);
      announce(`${track.name} is back`);
    } catch (error) {
      showError(explain(error));
    } finally {
      focusOn(shown());
    }
  };
  const choose = async ({ kind, done }: Choice): Promise<void> => {
    menu.open = false;
    focusOn(neighbour(shown()));
    try {
      await feedback.give(kind, track.id);
      announce(done(track.name), kind === "hide" ? () => void takeBack() : undefined);
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

/** Keeps what stands for a track out of sight as long as the track is; `shown()` is that element. */
export function hideWhileGone({ app: { feedback }, signal }: Visit, trackId: string, shown: () => HTMLElement): void {
  const mark = (): void => {
    shown().hidden = feedback.isGone(trackId);
  };
  during(signal, () => feedback.changed.on(mark));
}

/** Puts the focus on what `element` plays; on the page's content where that is not in sight. */
function focusOn(element: Element | null): void {
  const row = element?.isConnected ? element.querySelector<HTMLElement>("[data-row]:not([hidden] *)") : null;
  if (row) row.focus();
  else document.querySelector("main")?.focus({ preventScroll: true });
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
