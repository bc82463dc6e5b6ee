/** Sends what the outbox holds: every few seconds, at pauses and ends, and as the page goes. */
import type { Session } from "../auth/session";
import { ORIGIN } from "../config";
import type { PlaybackEvent } from "./events";
import { afterAnswer, backoffMs, MOST_PER_BATCH, Outbox } from "./outbox";

const FLUSH_EVERY_MS = 5_000;

export class Reporter {
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #inFlight = new Set<string>();
  #batchSize = MOST_PER_BATCH;
  #attempt = 0;
  #timer: number | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#outbox = new Outbox(localStorage, session.userId);
    if (this.#outbox.size > 0) this.#later(0);
    window.addEventListener("pagehide", () => this.sendAndGo());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.sendAndGo();
    });
    window.addEventListener("online", () => this.flush());
  }

  get pending(): number {
    return this.#outbox.size;
  }

  report(event: PlaybackEvent, { urgent = false } = {}): void {
    this.#outbox.add(event);
    if (urgent && this.#attempt === 0) this.#later(0);
    else if (this.#timer === undefined) this.#later(FLUSH_EVERY_MS);
  }

  flush(): void {
    this.#later(0);
  }

  /** One request that outlives the page. Unconfirmed events stay stored, and go again next time. */
  sendAndGo(): void {
    const token = this.#session.tokenNow();
    // Requests under way outlive the page as well.
    const batch = this.#outbox.batch().filter(({ event_id }) => !this.#inFlight.has(event_id));
    if (!token || batch.length === 0) return;
    void this.#underWay(batch, () => post(batch, token)).then((status) => {
      if (afterAnswer(status, batch.length).verdict === "confirmed") {
        this.#outbox.remove(batch.map(({ event_id }) => event_id));
      }
    });
  }

  #later(ms: number): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, ms);
  }

  async #send(): Promise<void> {
    if (this.#outbox.size === 0) return;
    if (this.#inFlight.size > 0) {
      this.#later(FLUSH_EVERY_MS);
      return;
    }
    const batch = this.#outbox.batch(this.#batchSize);
    const status = await this.#underWay(batch, async () => post(batch, await this.#session.token()));
    const { verdict } = afterAnswer(status, batch.length);
    if (verdict === "retry") {
      this.#attempt += 1;
      // The token was refused: the next try brings a new one.
      if (status === 401) await this.#session.refresh().catch(() => undefined);
      if (this.#session.signedIn) this.#later(backoffMs(this.#attempt));
      return;
    }
    this.#attempt = 0;
    if (verdict === "halve") this.#batchSize = Math.ceil(batch.length / 2);
    else {
      if (verdict === "confirmed") this.#batchSize = MOST_PER_BATCH;
      this.#outbox.remove(batch.map(({ event_id }) => event_id));
    }
    const backlog = verdict === "halve" || batch.length >= this.#batchSize;
    if (this.#outbox.size > 0) this.#later(backlog ? 0 : FLUSH_EVERY_MS);
  }

  /** Runs `send` with the batch marked as being sent. @returns status, 0 for none */
  async #underWay(batch: PlaybackEvent[], send: () => Promise<number>): Promise<number> {
    for (const { event_id } of batch) this.#inFlight.add(event_id);
    try {
      return await send().catch(() => 0);
    } finally {
      for (const { event_id } of batch) this.#inFlight.delete(event_id);
    }
  }
}

async function post(events: PlaybackEvent[], token: string): Promise<number> {
  try {
    const response = await fetch(`${ORIGIN}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ events }),
      keepalive: true,
    });
    return response.status;
  } catch {
    return 0;
  }
}
