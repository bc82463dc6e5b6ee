/** Short news: errors for everyone, confirmations for screen readers and the corner of the eye. */
import { h, icon, ICONS } from "../dom";

/** Of what somebody may want to read twice, or to answer. */
const LONG_MS = 9_000;
const SHORT_MS = 2_500;

/** An element of the page, or what a test has instead. */
type Passing = Pick<HTMLElement, "addEventListener" | "matches" | "remove">;

let host: HTMLElement | null = null;

/** Where toasts appear. Made once, early: a live region that arrives with its text is not read out. */
export function toastHost(): HTMLElement {
  host ??= h("div.toasts", { role: "status", "aria-live": "polite" });
  return host;
}

export function showError(message: string): void {
  const region = toastHost();
  for (const shown of region.querySelectorAll(".toast.error")) shown.remove();
  const toast = h(
    "div.toast.error",
    { role: "alert", "data-testid": "error-toast" },
    h("span", {}, message),
    h(
      "button.quiet",
      { type: "button", "aria-label": "Dismiss", onclick: () => toast.remove() },
      icon(ICONS.close, { stroke: true }),
    ),
  );
  region.append(toast);
  expire(toast, LONG_MS);
}

/** Says that something is done; with `undo` for longer, and with a button that takes it back. */
export function announce(message: string, undo?: () => void): void {
  const toast = h(
    "div.toast",
    {},
    h("span", {}, message),
    undo &&
      h(
        "button.button",
        {
          type: "button",
          "data-testid": "undo",
          onclick: () => {
            toast.remove();
            undo();
          },
        },
        "Undo",
      ),
  );
  toastHost().append(toast);
  expire(toast, undo ? LONG_MS : SHORT_MS);
}

/**
 * Takes `toast` away after so many milliseconds in which nobody pointed at it or had the focus in it:
 * whoever is about to press its button may take their time (WCAG 2.2.1).
 */
export function expire(toast: Passing, ms: number): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) wait();
      else toast.remove();
    }, ms);
  };
  for (const left of ["pointerleave", "focusout"]) toast.addEventListener(left, wait);
  wait();
}
