import { expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/api";
import type { Visit } from "../src/app";
import type { Session } from "../src/auth/session";
import { Feedback } from "../src/feedback";
import { hideWhileGone } from "../src/views/feedback";

const TRACKS = [{ id: "a" }, { id: "b" }];

test("what is not for the listener is out of sight before the server has answered", async () => {
  const giveFeedback = vi.fn(() => new Promise<void>(() => undefined));
  const feedback = new Feedback({ giveFeedback });
  void feedback.give("hide", "a");
  expect(feedback.left(TRACKS)).toEqual([{ id: "b" }]);
  expect(giveFeedback).toHaveBeenCalledExactlyOnceWith("spotify:track:a", "hide");
});

test("it stays there when the server has taken it", async () => {
  const feedback = new Feedback({ giveFeedback: async () => undefined });
  await feedback.give("report", "b");
  expect(feedback.left(TRACKS)).toEqual([{ id: "a" }]);
});

test("it is back when that failed, and the fault is told", async () => {
  const fault = new ApiError(503, "Please send it again.");
  const feedback = new Feedback({ giveFeedback: () => Promise.reject(fault) });
  await expect(feedback.give("hide", "a")).rejects.toBe(fault);
  expect(feedback.left(TRACKS)).toEqual(TRACKS);
});

test("what is taken back is in sight again, and the server is told", async () => {
  const giveFeedback = vi.fn(async () => undefined);
  const feedback = new Feedback({ giveFeedback });
  await feedback.give("hide", "a");
  await feedback.takeBack("a");
  expect(feedback.left(TRACKS)).toEqual(TRACKS);
  expect(giveFeedback).toHaveBeenLastCalledWith("spotify:track:a", "unhide");
});

test("it stays out of sight when that failed", async () => {
  const giveFeedback = vi.fn(async () => undefined);
  const feedback = new Feedback({ giveFeedback });
  await feedback.give("hide", "a");
  const fault = new ApiError(503, "Please send it again.");
  giveFeedback.mockRejectedValueOnce(fault);
  await expect(feedback.takeBack("a")).rejects.toBe(fault);
  expect(feedback.left(TRACKS)).toEqual([{ id: "b" }]);
});

test("what the listener presses is played, whatever was said of it", async () => {
  const feedback = new Feedback({ giveFeedback: async () => undefined });
  await feedback.give("hide", "a");
  await feedback.give("hide", "b");
  expect(feedback.left(TRACKS, TRACKS[1])).toEqual([{ id: "b" }]);
});

test("every card of a track goes, and comes back, as long as its page is there", async () => {
  const giveFeedback = vi.fn(async () => undefined);
  const feedback = new Feedback({ giveFeedback });
  const page = new AbortController();
  const visit = { app: { feedback }, signal: page.signal } as unknown as Visit;
  const cards = ["a", "a", "b"].map((id) => {
    const card = { hidden: false } as HTMLElement;
    hideWhileGone(visit, id, () => card);
    return card;
  });
  const hidden = (): unknown[] => cards.map((card) => card.hidden);
  await feedback.give("hide", "a");
  expect(hidden()).toEqual([true, true, false]);
  await feedback.takeBack("a");
  expect(hidden()).toEqual([false, false, false]);
  giveFeedback.mockRejectedValueOnce(new ApiError(503, "Please send it again."));
  await expect(feedback.give("report", "a")).rejects.toThrow(ApiError);
  expect(hidden()).toEqual([false, false, false]);
  page.abort();
  await feedback.give("hide", "b");
  expect(hidden()).toEqual([false, false, false]);
});

test("the server is told what it is and what is said of it", async () => {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => new Response(null, { status: 204 }));
  vi.stubGlobal("fetch", fetch);
  const session = { token: async () => "t", refresh: async () => "t" } as unknown as Session;
  await new Api(session).giveFeedback("spotify:track:a", "report");
  const [path, request] = fetch.mock.calls[0] ?? [];
  expect(path).toBe("/v1/me/feedback");
  expect(request?.method).toBe("POST");
  expect(JSON.parse(String(request?.body))).toEqual({ uri: "spotify:track:a", kind: "report" });
  vi.unstubAllGlobals();
});
