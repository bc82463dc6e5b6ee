/** What goes on by itself: a radio from a seed, and what is alike when there is nothing left to play. */
import type { Api } from "../api";
import type { Feedback } from "../feedback";
import { isPicked, type QueuedTrack, queued, type Track } from "../models";
import { upcoming } from "../queue";
import type { Player } from "./player";

/** The context of plays from autoplay, as the server knows it. */
export const AUTOPLAY_URI = "segue:shelf:autoplay";
const RADIO = "segue:radio:";
/** Contexts that were put together for the listener, and not by them or by an artist. */
const RECOMMENDED = "segue:";
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

type Playing = Pick<
  Player,
  "finished" | "reports" | "queue" | "choices" | "track" | "status" | "playAll" | "follow"
>;
type Opinions = Pick<Feedback, "left" | "isGone" | "changed">;

export class Stations {
  readonly #api: Pick<Api, "radio" | "autoplay">;
  readonly #player: Playing;
  readonly #feedback: Opinions;
  #seed: string | null = null;
  /** How often a radio was asked for, and how often something was played that nobody asked for. */
  #presses = 0;
  #wentOn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Pick<Api, "radio" | "autoplay">, player: Playing, feedback: Opinions) {
    this.#api = api;
    this.#player = player;
    this.#feedback = feedback;
    player.finished.on(() => void this.#goOn().catch(() => undefined));
    feedback.changed.on(() => this.#leaveOutGone());
    player.reports.on(({ type }) => {
      // Also of a track that the listener put among those of the radio, and that is reported as their own.
      if (!player.queue.contextUri?.startsWith(RADIO)) return;
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
   * Plays a radio from `seedUri`, of a track, an artist or an album, unless the listener chose something
   * else before it was there.
   *
   * @throws NothingAlike, and what the request throws
   */
  async start(seedUri: string, tappedAtMs: number): Promise<void> {
    this.#presses += 1;
    const wishes = this.#wishes;
    const tracks = await this.#of(seedUri);
    if (wishes !== this.#wishes) return;
    if (tracks.length === 0) throw new NothingAlike();
    this.#seed = seedUri;
    this.#player.playAll(tracks, contextOf(seedUri), tappedAtMs);
  }

  /** How often the listener has said what they want to hear. */
  get #wishes(): number {
    return this.#presses + this.#player.choices - this.#wentOn;
  }

  /** What is not for the listener is not to come either, but where they put it themselves. */
  #leaveOutGone(): void {
    const { queue } = this.#player;
    if (!queue.contextUri?.startsWith(RECOMMENDED)) return;
    const coming = upcoming(queue);
    const left = coming.filter((track) => isPicked(track) || !this.#feedback.isGone(track.id));
    if (left.length < coming.length) this.#player.follow(left);
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
    const own = upcoming(this.#player.queue).filter(isPicked);
    const alike = found.filter(({ id }) => !heard.has(id) && own.every((one) => one.id !== id));
    this.#player.follow([...own, ...alike]);
  }

  async #goOn(): Promise<void> {
    const { track, queue } = this.#player;
    if (!track || !this.goesOn) return;
    const from = queue.contextUri && KNOWN_CONTEXT.test(queue.contextUri) ? queue.contextUri : `spotify:track:${track.id}`;
    const found = this.#shown((await this.#api.autoplay(from)).tracks);
    // The listener may have been quicker.
    if (this.#player.queue !== queue || this.#player.status !== "ended" || found.length === 0) return;
    this.#wentOn += 1;
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
