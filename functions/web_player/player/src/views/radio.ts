/** Starting a radio. */
import { explain } from "../api";
import type { App } from "../app";
import { h, icon, ICONS } from "../dom";
import { showError } from "./toast";

/** Plays a radio from a seed, and says so where there is none. */
export async function startRadio({ stations }: Pick<App, "stations">, seedUri: string, event: Event): Promise<void> {
  try {
    await stations.start(seedUri, event.timeStamp);
  } catch (error) {
    showError(explain(error));
  }
}

/** The button of a page of its own, of an artist or an album. */
export function radioButton(app: Pick<App, "stations">, seedUri: string): HTMLElement {
  return h(
    "button.button",
    { type: "button", "data-testid": "radio", onclick: (event: Event) => void startRadio(app, seedUri, event) },
    icon(ICONS.radio, { stroke: true }),
    "Radio",
  );
}
