import { expect, test } from "vitest";
import { clock, dynamicMark, gainFor, runningTime, spokenTime } from "../src/format";

test.each([
  [0, "0:00"],
  [9.99, "0:09"],
  [61, "1:01"],
  [3599.9, "59:59"],
  [3723, "1:02:03"],
  [Number.NaN, "0:00"],
  [Number.POSITIVE_INFINITY, "0:00"],
  [-4, "0:00"],
])("%d seconds read as %s", (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});

test("a screen reader hears whole words", () => {
  expect(spokenTime(61)).toBe("1 minute 1 second");
  expect(spokenTime(3600)).toBe("1 hour 0 minutes 0 seconds");
});

test("an album's length is in minutes, from an hour on in hours", () => {
  expect(runningTime(20_000)).toBe("1 min");
  expect(runningTime(42.4 * 60_000)).toBe("42 min");
  expect(runningTime(65 * 60_000)).toBe("1 h 5 min");
});

test("volume is marked as in a score, from silence to fortissimo", () => {
  expect([0, 0.01, 0.2, 0.4, 0.5, 0.7, 1].map(dynamicMark)).toEqual(["tacet", "pp", "p", "mp", "mf", "f", "ff"]);
});

test("gain stays within what an audio element takes", () => {
  expect([-1, 0, 0.5, 1, 7].map(gainFor)).toEqual([0, 0, 0.25, 1, 1]);
});
