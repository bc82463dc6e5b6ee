/** What the listener says of what is recommended: it is not for them, or something is wrong with it. */
import type { Api } from "./api";

export type FeedbackKind = "hide" | "report";

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
  async give(kind: FeedbackKind, trackId: string, shown: { hidden: string | boolean }): Promise<void> {
    this.#gone.add(trackId);
    shown.hidden = true;
    try {
      await this.#api.giveFeedback(`spotify:track:${trackId}`, kind);
    } catch (error) {
      this.#gone.delete(trackId);
      shown.hidden = false;
      throw error;
    }
  }
}
