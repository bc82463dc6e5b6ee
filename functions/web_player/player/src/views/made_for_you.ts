/** A list that was made for the listener, each track with its reason. */
import type { Visit } from "../app";
import { h, icon, ICONS } from "../dom";
import { runningTime } from "../format";
import { queued } from "../models";
import { artwork } from "./artwork";
import { nothing } from "./states";
import { trackList } from "./track_list";

const COVER_PX = 320;

export async function madeForYouView(visit: Visit, id: string): Promise<HTMLElement> {
  const { api, player, feedback } = visit.app;
  const made = await api.madeForYou(id, { signal: visit.signal });
  const tracks = feedback.left(queued(made.tracks));
  document.title = `${made.name} · Segue`;
  const facts = [
    `${tracks.length} ${tracks.length === 1 ? "track" : "tracks"}`,
    runningTime(tracks.reduce((sum, track) => sum + track.duration_ms, 0)),
  ];
  return h(
    "article.album",
    { "data-testid": "made-view", "data-list-id": made.id },
    h(
      "header.masthead",
      {},
      artwork(tracks[0]?.album.images, made.name, COVER_PX),
      h(
        "div.masthead-text",
        {},
        h("p.kind", {}, "Made for you"),
        h("h1", { tabindex: "-1" }, made.name),
        h("p.by", {}, made.description),
        h("p.facts", {}, facts.join(" · ")),
        h(
          "div.masthead-actions",
          {},
          h(
            "button.button.primary",
            {
              type: "button",
              "data-testid": "play-made",
              disabled: tracks.length === 0,
              onclick: (event: Event) => player.playAll(feedback.left(tracks), made.uri, event.timeStamp),
            },
            icon(ICONS.play),
            "Play",
          ),
        ),
      ),
    ),
    tracks.length > 0
      ? trackList(visit, { tracks, contextUri: made.uri, lead: "artwork", testId: "made-track", takesFeedback: true })
      : nothing("Tacet", "Nothing on this list can be played where you are."),
  );
}
