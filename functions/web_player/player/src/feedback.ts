/**
 * What the listener says of what is recommended: it is not for them, it is after all, or something is
 * wrong with it.
 */
import type { Api } from "./api";
import { Emitter } from "./emitter";

export type FeedbackKind = "hide" | "unhide" | "report";

/** What is out of sight on this page. The server leaves it out of what it recommends later. */
export class Feedback {
  /** A track is out of sight, or back: wherever it stands. */
  readonly changed = new Emitter<void>();
  readonly #api: Pick<Api, "giveFeedback">;
  readonly #gone = new Set<string>();

  constructor(api: Pick<Api, "giveFeedback">) {
    this.#api = api;
  }

  isGone(trackId: string): boolean {
    return this.#gone.has(trackId);
  }

  /** Those of `tracks` of which the listener has not said anything, and in any case the one they `want`. */
  left<T extends { id: string }>(tracks: readonly T[], want?: T): T[] {
    return tracks.filter((track) => track === want || !this.isGone(track.id));
  }

  /**
   * Takes a track out of sight, and tells the server.
   *
   * @throws what the request throws; the track is back in sight then.
   */
  async give(kind: "hide" | "report", trackId: string): Promise<void> {
    await this.#say(kind, trackId, true);
  }

  /**
   * Takes back that a track was hidden.
   *
   * @throws what the request throws; the track is out of sight again then.
   */
  async takeBack(trackId: string): Promise<void> {
    await this.#say("unhide", trackId, false);
  }

  async #say(kind: FeedbackKind, trackId: string, hides: boolean): Promise<void> {
    this.#set(trackId, hides);
    try {
      await this.#api.giveFeedback(`spotify:track:${trackId}`, kind);
    } catch (error) {
      this.#set(trackId, !hides);
      throw error;
    }
  }

  #set(trackId: string, isGone: boolean): void {
    if (isGone) this.#gone.add(trackId);
    else this.#gone.delete(trackId);
    this.changed.emit();
  }
}
