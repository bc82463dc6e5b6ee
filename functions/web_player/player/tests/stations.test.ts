import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../src/api";
import { Emitter } from "../src/emitter";
import type { QueuedTrack } from "../src/models";
import type { Report } from "../src/playback/player";
import { AUTOPLAY_URI, KNOWN_AFTER_MS, NothingAlike, Stations } from "../src/playback/stations";
import { advance, emptyQueue, follow, insertNext, type Queue, queueOf } from "../src/queue";

const track = (id: string): QueuedTrack => ({
  id,
  name: id,
  duration_ms: 1000,
  artists: [],
  album: { id: "album", name: "Album" },
});
const tracks = (ids: string): QueuedTrack[] => [...ids].map(track);

class Playing {
  readonly finished = new Emitter<void>();
  readonly reports = new Emitter<Report>();
  queue: Queue<QueuedTrack> = emptyQueue();
  status: "idle" | "ended" | "playing" = "idle";

  get track(): QueuedTrack | null {
    return this.queue.items[this.queue.index] ?? null;
  }

  get ids(): string {
    return this.queue.items.map(({ id }) => id).join("");
  }

  playAll(list: readonly QueuedTrack[], contextUri: string | null): void {
    this.queue = queueOf(list, 0, contextUri);
    this.status = "playing";
  }

  follow(list: readonly QueuedTrack[]): void {
    this.queue = follow(this.queue, list);
  }

  next(): void {
    const left = this.queue.contextUri;
    this.queue = advance(this.queue);
    this.reports.emit({ type: "skipped", contextUri: left } as Report);
  }

  async end(): Promise<void> {
    this.status = "ended";
    this.finished.emit();
    await vi.advanceTimersByTimeAsync(0);
  }
}

let answers: Record<string, string>;
let asked: string[];
const hidden = new Set<string>();
const api = {
  radio: async (seed: string) => {
    asked.push(seed);
    const found = answers[seed];
    if (found === undefined) throw new ApiError(404, "no");
    return { items: tracks(found) };
  },
  autoplay: async (context: string) => {
    asked.push(context);
    return { tracks: tracks(answers[context] ?? "") };
  },
};
const feedback = { left: <T extends { id: string }>(all: readonly T[]): T[] => all.filter(({ id }) => !hidden.has(id)) };

let player: Playing;
let stations: Stations;

beforeEach(() => {
  vi.useFakeTimers();
  const held = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => held.set(key, value),
  });
  answers = {};
  asked = [];
  hidden.clear();
  player = new Playing();
  stations = new Stations(api, player, feedback);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a radio plays in a context of its own, without what was hidden", async () => {
  answers["spotify:artist:x"] = "abc";
  hidden.add("b");
  await stations.start("spotify:artist:x", 0);
  expect(player.ids).toBe("ac");
  expect(player.queue.contextUri).toBe("segue:radio:x");
});

test("where nothing goes with a seed, what plays goes on", async () => {
  player.playAll(tracks("z"), null);
  answers["spotify:artist:x"] = "";
  await expect(stations.start("spotify:artist:x", 0)).rejects.toThrow(NothingAlike);
  await expect(stations.start("spotify:artist:none", 0)).rejects.toThrow(ApiError);
  expect(player.ids).toBe("z");
});

test("a skip changes what follows, once it is known; what the listener put there stays", async () => {
  answers["spotify:track:s"] = "sabcde";
  await stations.start("spotify:track:s", 0);
  player.queue = insertNext(player.queue, track("m"));
  player.queue = advance(player.queue);
  player.queue = insertNext(player.queue, track("n"));
  answers["spotify:track:s"] = "mxyd";
  player.next(); // from m to n
  player.queue = insertNext(player.queue, track("o"));
  await vi.advanceTimersByTimeAsync(KNOWN_AFTER_MS - 1);
  expect(player.ids).toBe("smnoabcde");
  await vi.advanceTimersByTimeAsync(1);
  expect(player.ids).toBe("smnoxyd");
});

test("skips in a row are answered together", async () => {
  answers["spotify:track:s"] = "sabcde";
  await stations.start("spotify:track:s", 0);
  for (let times = 0; times < 3; times += 1) {
    await vi.advanceTimersByTimeAsync(KNOWN_AFTER_MS / 2);
    player.next();
  }
  await vi.advanceTimersByTimeAsync(10 * KNOWN_AFTER_MS);
  expect(asked).toEqual(["spotify:track:s", "spotify:track:s"]);
});

test("a radio that runs out is asked for more, and one that was left is not", async () => {
  answers["spotify:artist:x"] = "abc";
  await stations.start("spotify:artist:x", 0);
  answers["spotify:artist:x"] = "bcdefgh";
  player.reports.emit({ type: "play_started", contextUri: "segue:radio:x" } as Report);
  await vi.advanceTimersByTimeAsync(KNOWN_AFTER_MS);
  expect(player.ids).toBe("abcdefgh");
  player.reports.emit({ type: "play_started", contextUri: "segue:radio:x" } as Report);
  player.next();
  player.playAll(tracks("z"), "spotify:album:z");
  await vi.advanceTimersByTimeAsync(KNOWN_AFTER_MS);
  expect(player.ids).toBe("z");
  expect(asked).toHaveLength(2);
});

test.each([
  ["spotify:album:a", "spotify:album:a"],
  ["segue:made:discover-weekly", "spotify:track:z"],
  ["spotify:user:x:collection", "spotify:track:z"],
  [null, "spotify:track:z"],
])("after %s goes on with what is alike", async (context, from) => {
  answers[from] = "pq";
  player.playAll(tracks("yz"), context);
  player.queue = advance(player.queue);
  await player.end();
  expect(asked).toEqual([from]);
  expect(player.ids).toBe("pq");
  expect(player.queue.contextUri).toBe(AUTOPLAY_URI);
});

test("is silent where the listener wants that, where nothing is alike, and where they were quicker", async () => {
  player.playAll(tracks("z"), null);
  await player.end();
  expect(player.ids).toBe("z");
  answers["spotify:track:z"] = "pq";
  stations.goesOn = false;
  await player.end();
  expect(player.ids).toBe("z");
  stations.goesOn = true;
  const ended = player.end();
  player.playAll(tracks("k"), null);
  await ended;
  expect(player.ids).toBe("k");
});
