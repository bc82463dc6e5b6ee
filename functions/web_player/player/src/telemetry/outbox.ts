/**
 * Events that the server has not confirmed yet.
 *
 * Each event lies under a key of its own, so two tabs never overwrite one another's, and a reload or a
 * crash loses none. Two tabs may send the same event: the server keeps one per `event_id`.
 */
import type { PlaybackEvent } from "./events";

/** Most events in one request: the API's limit is 100; half keeps a keepalive body under 64 KiB. */
export const MOST_PER_BATCH = 50;
/** Events kept while the server cannot be reached: a day of listening. The oldest make room. */
export const MOST_KEPT = 2000;

export type Storage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

export class Outbox {
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #events = new Map<string, PlaybackEvent>();

  /** @param owner events wait for the listener who made them, also when another signs in */
  constructor(storage: Storage, owner: string) {
    this.#storage = storage;
    this.#prefix = `segue.event.${owner}.`;
    this.#adopt();
  }

  get size(): number {
    return this.#events.size;
  }

  add(event: PlaybackEvent): void {
    this.#events.set(event.event_id, event);
    try {
      this.#storage.setItem(this.#prefix + event.event_id, JSON.stringify(event));
    } catch {
      // Storage full or forbidden: the event still goes out from memory.
    }
    for (const id of this.#events.keys()) {
      if (this.#events.size <= MOST_KEPT) break;
      this.remove([id]);
    }
  }

  /** The oldest events, up to `most`. */
  batch(most: number = MOST_PER_BATCH): PlaybackEvent[] {
    return [...this.#events.values()].slice(0, most);
  }

  /** Forgets events: confirmed ones, or ones that the server will never take. */
  remove(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#events.delete(id);
      this.#storage.removeItem(this.#prefix + id);
    }
  }

  #adopt(): void {
    const found: PlaybackEvent[] = [];
    const unreadable: string[] = [];
    for (let i = 0; i < this.#storage.length; i += 1) {
      const key = this.#storage.key(i);
      if (!key?.startsWith(this.#prefix)) continue;
      try {
        found.push(JSON.parse(this.#storage.getItem(key) ?? "") as PlaybackEvent);
      } catch {
        unreadable.push(key);
      }
    }
    for (const key of unreadable) this.#storage.removeItem(key);
    found.sort((a, b) => a.ts.localeCompare(b.ts));
    for (const event of found) this.#events.set(event.event_id, event);
  }
}

/** What to do after the server answered a batch of `sent` events with `status` (0: no answer). */
export function afterAnswer(
  status: number,
  sent: number,
): { verdict: "confirmed" | "halve" | "drop" | "retry" } {
  if (status >= 200 && status < 300) return { verdict: "confirmed" };
  if (status === 400 || status === 413 || status === 422) {
    // One event the server will never take must not hold up the others: find it by halving.
    return { verdict: sent > 1 ? "halve" : "drop" };
  }
  return { verdict: "retry" };
}

/** Wait before try number `attempt` (1, 2, …) in milliseconds: 1 s doubling to 60 s, ±25 %. */
export function backoffMs(attempt: number, random: number = Math.random()): number {
  return Math.min(60_000, 1000 * 2 ** (attempt - 1)) * (0.75 + random / 2);
}
