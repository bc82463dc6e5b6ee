/** What plays, what played before and what comes next. Values in, values out. */

export interface Queue<T> {
  readonly items: readonly T[];
  /** Position of the current item, or -1 when there is none. */
  readonly index: number;
  /** Where the items came from, e.g. `spotify:album:…`; reported with each play of what was not picked by hand. */
  readonly contextUri: string | null;
}

/** Playing further than this into a track, "previous" means its start (seconds). */
export const RESTART_AFTER_SECONDS = 3;

export function emptyQueue<T>(): Queue<T> {
  return { items: [], index: -1, contextUri: null };
}

/** A queue of `items` that stands at `index` (clamped into the list). */
export function queueOf<T>(items: readonly T[], index: number, contextUri: string | null): Queue<T> {
  if (items.length === 0) return emptyQueue();
  return { items, index: Math.min(items.length - 1, Math.max(0, index)), contextUri };
}

export function current<T>(queue: Queue<T>): T | null {
  return queue.items[queue.index] ?? null;
}

export function upcoming<T>(queue: Queue<T>): readonly T[] {
  return queue.items.slice(queue.index + 1);
}

export function hasNext<T>(queue: Queue<T>): boolean {
  return queue.index >= 0 && queue.index < queue.items.length - 1;
}

/** One further, or the same queue at its end. */
export function advance<T>(queue: Queue<T>): Queue<T> {
  return hasNext(queue) ? { ...queue, index: queue.index + 1 } : queue;
}

/** Puts `item` directly after the current one; a queue of it alone where nothing plays. */
export function insertNext<T>(queue: Queue<T>, item: T): Queue<T> {
  if (queue.index < 0) return queueOf([item], 0, null);
  const items = [...queue.items];
  items.splice(queue.index + 1, 0, item);
  return { ...queue, items };
}

/** Puts `items` in the place of all that is to come. */
export function follow<T>(queue: Queue<T>, items: readonly T[]): Queue<T> {
  if (queue.index < 0) return queue;
  return { ...queue, items: [...queue.items.slice(0, queue.index + 1), ...items] };
}

/** What the "previous" button does, and the queue afterwards. */
export function stepBack<T>(
  queue: Queue<T>,
  positionSeconds: number,
): { action: "restart" | "previous"; queue: Queue<T> } {
  if (positionSeconds > RESTART_AFTER_SECONDS || queue.index <= 0) return { action: "restart", queue };
  return { action: "previous", queue: { ...queue, index: queue.index - 1 } };
}
