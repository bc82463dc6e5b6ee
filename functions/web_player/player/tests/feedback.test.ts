import { expect, test, vi } from "vitest";
import { Api, ApiError } from "../src/api";
import type { Session } from "../src/auth/session";
import { Feedback } from "../src/feedback";

const TRACKS = [{ id: "a" }, { id: "b" }];

test("what is not for the listener is out of sight before the server has answered", async () => {
  const giveFeedback = vi.fn(() => new Promise<void>(() => undefined));
  const feedback = new Feedback({ giveFeedback });
  const shown = { hidden: false };
  void feedback.give("hide", "a", shown);
  expect(shown.hidden).toBe(true);
  expect(feedback.left(TRACKS)).toEqual([{ id: "b" }]);
  expect(giveFeedback).toHaveBeenCalledExactlyOnceWith("spotify:track:a", "hide");
});

test("it stays there when the server has taken it", async () => {
  const feedback = new Feedback({ giveFeedback: async () => undefined });
  const shown = { hidden: false };
  await feedback.give("report", "b", shown);
  expect(shown.hidden).toBe(true);
  expect(feedback.left(TRACKS)).toEqual([{ id: "a" }]);
});

test("it is back when that failed, and the fault is told", async () => {
  const fault = new ApiError(503, "Please send it again.");
  const feedback = new Feedback({ giveFeedback: () => Promise.reject(fault) });
  const shown = { hidden: false };
  await expect(feedback.give("hide", "a", shown)).rejects.toBe(fault);
  expect(shown.hidden).toBe(false);
  expect(feedback.left(TRACKS)).toEqual(TRACKS);
});

test("what is taken back is in sight again, and the server is told", async () => {
  const giveFeedback = vi.fn(async () => undefined);
  const feedback = new Feedback({ giveFeedback });
  const shown = { hidden: false };
  await feedback.give("hide", "a", shown);
  await feedback.takeBack("a", shown);
  expect(shown.hidden).toBe(false);
  expect(feedback.left(TRACKS)).toEqual(TRACKS);
  expect(giveFeedback).toHaveBeenLastCalledWith("spotify:track:a", "unhide");
});

test("it stays out of sight when that failed", async () => {
  const giveFeedback = vi.fn(async () => undefined);
  const feedback = new Feedback({ giveFeedback });
  const shown = { hidden: false };
  await feedback.give("hide", "a", shown);
  const fault = new ApiError(503, "Please send it again.");
  giveFeedback.mockRejectedValueOnce(fault);
  await expect(feedback.takeBack("a", shown)).rejects.toBe(fault);
  expect(shown.hidden).toBe(true);
  expect(feedback.left(TRACKS)).toEqual([{ id: "b" }]);
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
