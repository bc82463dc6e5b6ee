import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Emitter } from "../src/emitter";
import type { Engine } from "../src/playback/engine";
import { Player } from "../src/playback/player";
import type { StreamSession, StreamSessions } from "../src/playback/streams";
import { track, tracks } from "./queued";

/** An element that sounds as soon as it is told to. */
class Audio extends EventTarget {
  paused = true;
  currentTime = 1;
  duration = 100;

  async play(): Promise<void> {
    this.paused = false;
  }

  pause(): void {
    this.paused = true;
  }
}

let player: Player;
/** What was reported, with the context it was reported in. */
let told: [string, string | null][];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("localStorage", { getItem: () => null });
  vi.stubGlobal("requestAnimationFrame", (look: () => void) => setTimeout(look, 1));
  vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  const audio = new Audio();
  const engine = {
    faults: new Emitter(),
    cdnChanged: new Emitter(),
    cdn: null,
    load: async () => audio.dispatchEvent(new Event("loadedmetadata")),
    preload: async () => undefined,
    unload: async () => undefined,
  };
  const streams = {
    get: async (id: string) => ({ track_id: id }) as StreamSession,
    prefetch: () => undefined,
  };
  player = new Player(
    audio as unknown as HTMLAudioElement,
    engine as unknown as Engine,
    streams as unknown as StreamSessions,
  );
  told = [];
  player.reports.on(({ type, stream, contextUri }) => told.push([`${stream.track_id} ${type}`, contextUri]));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const untilItSounds = (): Promise<unknown> => vi.advanceTimersByTimeAsync(100);

test("what was picked by hand is reported with where it was picked, and not with what plays around it", async () => {
  player.playList(tracks("abc"), 0, "segue:radio:x");
  await untilItSounds();
  player.enqueueNext(track("n"), null);
  player.enqueueNext(track("m"), "spotify:album:m");
  for (let times = 0; times < 3; times += 1) {
    player.next();
    await untilItSounds();
  }
  expect(told.filter(([what]) => what.endsWith("play_started"))).toEqual([
    ["a play_started", "segue:radio:x"],
    ["m play_started", "spotify:album:m"],
    ["n play_started", null],
    ["b play_started", "segue:radio:x"],
  ]);
  expect(told).toContainEqual(["m skipped", "spotify:album:m"]);
});

test("it keeps where it was picked when it is the first to play, and when it is jumped to", async () => {
  player.enqueueNext(track("m"), "spotify:album:m");
  await untilItSounds();
  player.enqueueNext(track("n"), "spotify:album:n");
  player.skipTo(0);
  await untilItSounds();
  expect(told.filter(([what]) => what.endsWith("play_started"))).toEqual([
    ["m play_started", "spotify:album:m"],
    ["n play_started", "spotify:album:n"],
  ]);
});

test("what sounds goes on, and can be paused, where there is nothing to play in its place", async () => {
  player.playList(tracks("a"), 0, null);
  await untilItSounds();
  player.playList([], 0, "segue:shelf:for-you");
  player.playAll([], "segue:made:daily", 0);
  expect(player.track?.id).toBe("a");
  expect(player.wantsToPlay).toBe(true);
  player.toggle();
  expect(told.map(([what]) => what)).toEqual(["a play_started"]);
});

test("closing tells once that the last track was stopped", async () => {
  player.playList(tracks("a"), 0, "spotify:album:x");
  await untilItSounds();
  await player.close();
  await player.close();
  expect(told.slice(1)).toEqual([["a stopped", "spotify:album:x"]]);
  expect(player.track).toBeNull();
});
