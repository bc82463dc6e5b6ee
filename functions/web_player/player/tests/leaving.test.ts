import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Session } from "../src/auth/session";
import { connectLeaving } from "../src/leaving";
import type { PlaybackEvent } from "../src/telemetry/events";
import { Reporter } from "../src/telemetry/reporter";

const STOPPED = { event_id: "e", type: "stopped", ts: "2030-01-01T12:00:00Z" } as PlaybackEvent;

let fetch: ReturnType<typeof vi.fn<typeof globalThis.fetch>>;

beforeEach(() => {
  vi.useFakeTimers();
  const forgetful = { length: 0, getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  vi.stubGlobal("window", Object.assign(new EventTarget(), { setTimeout, clearTimeout }));
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal("localStorage", forgetful);
  vi.stubGlobal("sessionStorage", forgetful);
  fetch = vi.fn<typeof globalThis.fetch>(async () => new Response(null, { status: 202 }));
  vi.stubGlobal("fetch", fetch);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("who signs out is silent first, and what is unsent goes once, with the last token", async () => {
  const session = new Session();
  session.begin({ accessToken: "t", refreshToken: null, expiresAtMs: Date.now() + 3_600_000 });
  const reporter = new Reporter(session);
  const close = vi.fn(async () => reporter.report(STOPPED, { urgent: true }));
  const release = vi.fn(() => expect(session.signedIn).toBe(true));
  connectLeaving(session, { close }, reporter, { release });
  session.signOut();
  await vi.advanceTimersByTimeAsync(60_000);
  const sent = fetch.mock.calls.filter(([path]) => path === "/v1/events");
  expect(sent).toHaveLength(1);
  expect(new Headers(sent[0]?.[1]?.headers).get("authorization")).toBe("Bearer t");
  expect(JSON.parse(String(sent[0]?.[1]?.body))).toEqual({ events: [STOPPED] });
  expect(reporter.pending).toBe(0);
  expect(close).toHaveBeenCalledOnce();
  expect(release).toHaveBeenCalledOnce();
});
