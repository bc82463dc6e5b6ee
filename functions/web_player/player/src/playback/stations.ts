/** What goes on by itself: a radio from a seed, and what is alike when there is nothing left to play. */
import type { Api } from "../api";
import type { Feedback } from "../feedback";
import { type QueuedTrack, queued, type Track } from "../models";
import { upcoming } from "../queue";
import type { Player } from "./player";

/** The context of plays from autoplay, as the server knows it. */
export const AUTOPLAY_URI = "segue:shelf:autoplay";
const RADIO = "segue:radio:";
/** Contexts that the server can go on from; after others it goes on from the last track. */
const KNOWN_CONTEXT = /^spotify:(track|album|artist|playlist):[0-9A-Za-z]+$/;
/** Until a skip is known to what recommends (F208: within a second), in milliseconds. */
export const KNOWN_AFTER_MS = 1_500;
/** A radio with fewer to come is asked for more. */
const FEW = 5;
const AUTOPLAY_KEY = "segue.autoplay";

/** There is nothing that goes with the seed. */
export class NothingAlike extends Error {
  constructor() {
    super("Nothing is known that goes with this, yet.");
  }
}

type Playing = Pick<Player, "finished" | "reports" | "queue" | "track" | "status" | "playAll" | "follow">;

export class Stations {
  readonly #api: Pick<Api, "radio" | "autoplay">;
  readonly #player: Playing;
  readonly #feedback: Pick<Feedback, "left">;
  /** The seed that plays, and the tracks that came of it: what else is in the queue, the listener put there. */
  #seed: string | null = null;
  #given = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Pick<Api, "radio" | "autoplay">, player: Playing, feedback: Pick<Feedback, "left">) {
    this.#api = api;
    this.#player = player;
    this.#feedback = feedback;
    player.finished.on(() => void this.#goOn().catch(() => undefined));
    player.reports.on(({ type, contextUri }) => {
      if (!contextUri?.startsWith(RADIO)) return;
      const runsOut = type === "play_started" && upcoming(player.queue).length < FEW;
      if (type === "skipped" || runsOut) this.#renewSoon();
    });
  }

  /** Whether something alike is played when all else has ended. */
  get goesOn(): boolean {
    return localStorage.getItem(AUTOPLAY_KEY) !== "off";
  }

  set goesOn(wanted: boolean) {
    localStorage.setItem(AUTOPLAY_KEY, wanted ? "on" : "off");
  }

  /**
   * Plays a radio from `seedUri`, of a track, an artist or an album.
   *
   * @throws NothingAlike, and what the request throws
   */
  async start(seedUri: string, tappedAtMs: number): Promise<void> {
    const tracks = await this.#of(seedUri);
    if (tracks.length === 0) throw new NothingAlike();
    this.#seed = seedUri;
    this.#given = new Set(tracks.map(({ id }) => id));
    this.#player.playAll(tracks, contextOf(seedUri), tappedAtMs);
  }

  #renewSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew().catch(() => undefined), KNOWN_AFTER_MS);
  }

  /** What follows, as it is after what was skipped and heard. */
  async #renew(): Promise<void> {
    const seed = this.#seed;
    if (!seed || !this.#plays(seed)) return;
    const found = await this.#of(seed);
    if (!this.#plays(seed) || found.length === 0) return;
    const { items, index } = this.#player.queue;
    const heard = new Set(items.slice(0, index + 1).map(({ id }) => id));
    const own = upcoming(this.#player.queue).filter(({ id }) => !this.#given.has(id));
    const alike = found.filter(({ id }) => !heard.has(id) && own.every((one) => one.id !== id));
    for (const { id } of alike) this.#given.add(id);
    this.#player.follow([...own, ...alike]);
  }

  async #goOn(): Promise<void> {
    const { track, queue } = this.#player;
    if (!track || !this.goesOn) return;
    const from = queue.contextUri && KNOWN_CONTEXT.test(queue.contextUri) ? queue.contextUri : `spotify:track:${track.id}`;
    const found = this.#shown((await this.#api.autoplay(from)).tracks);
    // The listener may have been quicker.
    if (this.#player.queue !== queue || this.#player.status !== "ended" || found.length === 0) return;
    this.#player.playAll(found, AUTOPLAY_URI, performance.now());
  }

  #plays(seedUri: string): boolean {
    return this.#player.queue.contextUri === contextOf(seedUri);
  }

  async #of(seedUri: string): Promise<QueuedTrack[]> {
    return this.#shown((await this.#api.radio(seedUri)).items);
  }

  #shown(tracks: readonly Track[]): QueuedTrack[] {
    return this.#feedback.left(queued(tracks));
  }
}

/** The context of plays from the radio of a seed. */
function contextOf(seedUri: string): string {
  return RADIO + seedUri.slice(seedUri.lastIndexOf(":") + 1);
}
