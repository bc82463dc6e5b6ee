import { beforeEach, expect, test } from "vitest";
import type { PlaybackEvent } from "../src/telemetry/events";
import { afterAnswer, backoffMs, MOST_KEPT, MOST_PER_BATCH, Outbox } from "../src/telemetry/outbox";

class MemoryStorage {
  readonly items = new Map<string, string>();
  full = false;
  get length(): number {
    return this.items.size;
  }
  key(index: number): string | null {
    return [...this.items.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

const event = (n: number): PlaybackEvent => ({
  event_id: `e${n}`,
  type: "progress",
  track_id: "t",
  session_id: "s",
  device_id: "d",
  position_ms: n,
  ts: new Date(1_700_000_000_000 + n).toISOString(),
});

let storage: MemoryStorage;
beforeEach(() => {
  storage = new MemoryStorage();
});

test("events survive a reload, oldest first", () => {
  const before = new Outbox(storage, "ada");
  before.add(event(2));
  before.add(event(1));
  expect(new Outbox(storage, "ada").batch().map(({ event_id }) => event_id)).toEqual(["e1", "e2"]);
});

test("events of one listener are never sent as another's", () => {
  new Outbox(storage, "ada").add(event(1));
  expect(new Outbox(storage, "bea").size).toBe(0);
  expect(new Outbox(storage, "ada").size).toBe(1);
});

test("a confirmed event is gone for good", () => {
  const outbox = new Outbox(storage, "ada");
  outbox.add(event(1));
  outbox.remove(["e1"]);
  expect(outbox.size).toBe(0);
  expect(storage.length).toBe(0);
});

test("two tabs do not overwrite one another's events", () => {
  const one = new Outbox(storage, "ada");
  const two = new Outbox(storage, "ada");
  one.add(event(1));
  two.add(event(2));
  expect(new Outbox(storage, "ada").size).toBe(2);
});

test("a full storage costs durability, not the event", () => {
  storage.full = true;
  const outbox = new Outbox(storage, "ada");
  outbox.add(event(1));
  expect(outbox.batch()).toHaveLength(1);
});

test("an unreadable leftover is thrown away", () => {
  storage.setItem("segue.event.ada.x", "{");
  expect(new Outbox(storage, "ada").size).toBe(0);
  expect(storage.length).toBe(0);
});

test("a batch is bounded, and so is what is kept", () => {
  const outbox = new Outbox(storage, "ada");
  for (let n = 0; n < MOST_KEPT + 5; n += 1) outbox.add(event(n));
  expect(outbox.size).toBe(MOST_KEPT);
  expect(outbox.batch()).toHaveLength(MOST_PER_BATCH);
  expect(outbox.batch()[0]?.event_id).toBe("e5");
});

test.each([
  [202, 10, "confirmed"],
  [400, 10, "halve"],
  [422, 1, "drop"],
  [401, 3, "retry"],
  [429, 3, "retry"],
  [503, 3, "retry"],
  [0, 3, "retry"],
])("after status %i for %i events: %s", (status, sent, verdict) => {
  expect(afterAnswer(status, sent).verdict).toBe(verdict);
});

test("waits double up to a minute", () => {
  expect([1, 2, 3, 7, 20].map((attempt) => backoffMs(attempt, 0.5))).toEqual([1000, 2000, 4000, 60_000, 60_000]);
  expect(backoffMs(1, 0)).toBe(750);
});
