import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Beat, type BeatAnswer, FIRST_BEAT_MS, Heartbeat, LIMIT_REASON } from "../src/playback/heartbeat";

const OK: BeatAnswer = { status: 200, reason: null, heartbeatSeconds: 20 };
const tokens = { token: async () => "t", tokenNow: () => "t" };

let sent: Beat[] = [];
let answer = OK;

function heartbeat(): Heartbeat {
  return new Heartbeat(
    tokens,
    () => "this-browser",
    async (beat) => {
      sent.push(beat);
      return answer;
    },
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  answer = OK;
});
afterEach(() => {
  vi.useRealTimers();
});

test("beats while it sounds, as often as the server says, and not in silence", async () => {
  const heart = heartbeat();
  heart.sounds(true);
  heart.sounds(true);
  await vi.advanceTimersByTimeAsync(FIRST_BEAT_MS);
  expect(sent).toEqual([{ device_id: "this-browser", stopped: false }]);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(sent).toHaveLength(3);
  heart.sounds(false);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(sent).toHaveLength(3);
});

test("says that another device has taken the place, and beats no more", async () => {
  const heart = heartbeat();
  const refused = vi.fn();
  heart.refused.on(refused);
  answer = { status: 403, reason: LIMIT_REASON, heartbeatSeconds: null };
  heart.sounds(true);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(refused).toHaveBeenCalledOnce();
  expect(sent).toHaveLength(1);
});

test("goes on when no answer comes", async () => {
  const heart = heartbeat();
  answer = { status: 0, reason: null, heartbeatSeconds: null };
  heart.sounds(true);
  await vi.advanceTimersByTimeAsync(FIRST_BEAT_MS + 30_000);
  expect(sent).toHaveLength(2);
});

test("gives its place back once, if it has had one", async () => {
  const heart = heartbeat();
  heart.release();
  expect(sent).toEqual([]);
  heart.licensed();
  heart.release();
  heart.release();
  expect(sent).toEqual([{ device_id: "this-browser", stopped: true }]);
});
