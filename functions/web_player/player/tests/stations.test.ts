import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../src/api";
import { Emitter } from "../src/emitter";
import { Feedback } from "../src/feedback";
import type { QueuedTrack } from "../src/models";
import type { Report } from "../src/playback/player";
import { AUTOPLAY_URI, KNOWN_AFTER_MS, NothingAlike, Stations } from "../src/playback/stations";
import { advance, emptyQueue, follow, insertNext, type Queue, queueOf } from "../src/queue";
import { track, tracks } from "./queued";

class Playing {
  readonly finished = new Emitter<void>();
  readonly reports = new Emitter<Report>();
  queue: Queue<QueuedTrack> = emptyQueue();
  choices = 0;
  status: "idle" | "ended" | "playing" = "idle";

  get track(): QueuedTrack | null {
    return this.queue.items[this.queue.index] ?? null;
  }

  get ids(): string {
    return this.queue.items.map(({ id }) => id).join("");
  }

  playAll(list: readonly QueuedTrack[], contextUri: string | null): void {
    this.queue = queueOf(list, 0, contextUri);
    this.choices += 1;
    this.status = "playing";
  }

  follow(list: readonly QueuedTrack[]): void {
    this.queue = follow(this.queue, list);
  }

  enqueueNext(id: string): void {
    this.queue = insertNext(this.queue, { ...track(id), pickedFrom: null });
  }

  next(): void {
    const contextUri = this.track?.pickedFrom === null ? null : this.queue.contextUri;
    this.reports.emit({ type: "skipped", contextUri } as Report);
    this.queue = advance(this.queue);
  }

  async end(): Promise<void> {
    this.status = "ended";
    this.finished.emit();
    await vi.advanceTimersByTimeAsync(0);
  }
}

let answers: Record<string, string>;
let asked: string[];
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

let player: Playing;
let feedback: Feedback;
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
  feedback = new Feedback({ giveFeedback: async () => undefined });
  player = new Playing();
  stations = new Stations(api, player, feedback);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a radio plays in a context of its own, without what was hidden", async () => {
  answers["spotify:artist:x"] = "abc";
  await feedback.give("hide", "b");
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
  player.enqueueNext("m");
  player.queue = advance(player.queue);
  player.enqueueNext("n");
  answers["spotify:track:s"] = "mxyd";
  player.next(); // from m to n
  player.enqueueNext("o");
  await vi.advanceTimersByTimeAsync(KNOWN_AFTER_MS - 1);
  expect(player.ids).toBe("smnoabcde");
  await vi.advanceTimersByTimeAsync(1);
  expect(player.ids).toBe("smnoxyd");
});

test("what the listener put there stays also where the radio had thought of it itself", async () => {
  answers["spotify:track:s"] = "sabc";
  await stations.start("spotify:track:s", 0);
  player.enqueueNext("z");
  player.enqueueNext("c");
  answers["spotify:track:s"] = "xy";
  player.next();
  await vi.advanceTimersByTimeAsync(KNOWN_AFTER_MS);
  expect(player.ids).toBe("sczxy");
});

/** Lets the answer to a radio come. */
type Arrival = () => void;

/** From now on radios wait for it, each in turn. */
function answerLate(): Arrival[] {
  const arrivals: Arrival[] = [];
  const { radio } = api;
  vi.spyOn(api, "radio").mockImplementation(
    (seed) => new Promise((resolve) => arrivals.push(() => resolve(radio(seed)))),
  );
  return arrivals;
}

test("a late radio does not take the place of what the listener chose since", async () => {
  answers["spotify:artist:x"] = "abc";
  player.playAll(tracks("yz"), "spotify:album:y");
  const late = stations.start("spotify:artist:x", 0);
  player.playAll(tracks("zy"), "spotify:album:y");
  await late;
  expect(player.ids).toBe("zy");
});

test("it does take the place of what went on by itself", async () => {
  answers["spotify:artist:x"] = "abc";
  answers["spotify:album:y"] = "pq";
  const arrivals = answerLate();
  player.playAll(tracks("yz"), "spotify:album:y");
  const late = stations.start("spotify:artist:x", 0);
  player.enqueueNext("m");
  player.queue = advance(player.queue);
  await player.end();
  expect(player.ids).toBe("pq");
  arrivals[0]?.();
  await late;
  expect(player.ids).toBe("abc");
});

test.each([
  ["first", (arrive: Arrival[]) => arrive.reverse()],
  ["last", (arrive: Arrival[]) => arrive],
])("of several radios the one asked for last plays, also where it is there %s", async (_when, inOrder) => {
  const arrivals = answerLate();
  answers["spotify:artist:x"] = "abc";
  answers["spotify:artist:y"] = "def";
  const started = ["x", "x", "y"].map((one) => stations.start(`spotify:artist:${one}`, 0));
  for (const arrive of inOrder(arrivals)) {
    arrive();
    await vi.advanceTimersByTimeAsync(0);
  }
  await Promise.all(started);
  expect(player.ids).toBe("def");
  expect(player.choices).toBe(1);
});

test("what is hidden does not come in what is recommended, but where the listener put it", async () => {
  player.playAll(tracks("abcd"), "segue:shelf:for-you");
  player.enqueueNext("d");
  await feedback.give("hide", "a");
  await feedback.give("hide", "c");
  await feedback.give("hide", "d");
  expect(player.ids).toBe("adb");
});

test("it comes in the listener's own albums and playlists", async () => {
  player.playAll(tracks("abc"), "spotify:album:y");
  await feedback.give("hide", "c");
  expect(player.ids).toBe("abc");
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
