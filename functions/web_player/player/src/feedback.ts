/**
 * What the listener says of what is recommended: it is not for them, it is after all, or something is
 * wrong with it.
 */
import type { Api } from "./api";

export type FeedbackKind = "hide" | "unhide" | "report";

/** An element of the page, or what a test has instead. */
type Shown = Pick<HTMLElement, "hidden">;

/** What is out of sight on this page. The server leaves it out of what it recommends later. */
export class Feedback {
  readonly #api: Pick<Api, "giveFeedback">;
  readonly #gone = new Set<string>();

  constructor(api: Pick<Api, "giveFeedback">) {
    this.#api = api;
  }

  /** Those of `tracks` of which the listener has not said anything. */
  left<T extends { id: string }>(tracks: readonly T[]): T[] {
    return tracks.filter(({ id }) => !this.#gone.has(id));
  }

  /**
   * Takes a track out of sight, where `shown` is what shows it, and tells the server.
   *
   * @throws what the request throws; the track is back in sight then.
   */
  async give(kind: "hide" | "report", trackId: string, shown: Shown): Promise<void> {
    await this.#say(kind, trackId, shown, true);
  }

  /**
   * Takes back that a track was hidden.
   *
   * @throws what the request throws; the track is out of sight again then.
   */
  async takeBack(trackId: string, shown: Shown): Promise<void> {
    await this.#say("unhide", trackId, shown, false);
  }

  async #say(kind: FeedbackKind, trackId: string, shown: Shown, hides: boolean): Promise<void> {
    this.#show(trackId, shown, !hides);
    try {
      await this.#api.giveFeedback(`spotify:track:${trackId}`, kind);
    } catch (error) {
      this.#show(trackId, shown, hides);
      throw error;
    }
  }

  #show(trackId: string, shown: Shown, isShown: boolean): void {
    if (isShown) this.#gone.delete(trackId);
    else this.#gone.add(trackId);
    shown.hidden = !isShown;
  }
}
