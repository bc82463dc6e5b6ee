/** What follows: a sheet over the page's edge. */
import type { App } from "../app";
import { h, icon, ICONS } from "../dom";
import { clock } from "../format";
import { artistNames } from "../models";
import { upcoming } from "../queue";
import { artwork } from "./artwork";

const MOST_SHOWN = 50;

export interface QueuePanel {
  element: HTMLDialogElement;
  toggle(): void;
}

export function queuePanel({ player, stations }: App): QueuePanel {
  const list = h("ol.queue-list", { role: "list" });
  const empty = h("p.queue-empty");
  const goesOn = h("input", {
    type: "checkbox",
    "data-testid": "goes-on",
    onchange: () => {
      stations.goesOn = goesOn.checked;
      show();
    },
  });
  const element = h(
    "dialog.queue",
    { "aria-label": "What follows" },
    h(
      "header",
      {},
      h("h2", {}, h("span.direction", { lang: "it", "aria-hidden": "true" }, "attacca"), h("span.plain", {}, "What follows")),
      h(
        "button.quiet",
        { type: "button", "aria-label": "Close", onclick: () => element.close() },
        icon(ICONS.close, { stroke: true }),
      ),
    ),
    list,
    empty,
    h("label.goes-on", {}, goesOn, "Go on with something alike"),
  );
  // A press on the backdrop is a press on the dialog itself.
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  const show = (): void => {
    if (!element.open) return;
    const following = upcoming(player.queue).slice(0, MOST_SHOWN);
    goesOn.checked = stations.goesOn;
    empty.hidden = following.length > 0;
    empty.textContent = stations.goesOn
      ? "Simile. After this track, something like it."
      : "Fine. After this track, silence.";
    list.replaceChildren(
      ...following.map((track, index) =>
        h(
          "li",
          {},
          h(
            "button.queue-row",
            {
              type: "button",
              onclick: (event: Event) => player.skipTo(index, event.timeStamp),
              onpointerenter: () => player.anticipate(track.id),
            },
            artwork(track.album.images, track.album.name, 44),
            h("span.queue-text", {}, h("b", {}, track.name), h("span", {}, artistNames(track.artists))),
            h("time", {}, clock(track.duration_ms / 1000)),
          ),
        ),
      ),
    );
  };
  let last = player.queue;
  player.changed.on(() => {
    if (player.queue === last) return;
    last = player.queue;
    show();
  });
  const toggle = (): void => {
    if (element.open) element.close();
    else {
      element.showModal();
      show();
    }
  };
  return { element, toggle };
}
