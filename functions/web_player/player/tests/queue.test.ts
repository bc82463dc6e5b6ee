import { expect, test } from "vitest";
import { advance, current, emptyQueue, hasNext, insertNext, queueOf, stepBack, upcoming } from "../src/queue";

const album = ["one", "two", "three"];

test("an empty queue has nothing current, nothing next and stays where it is", () => {
  const queue = emptyQueue<string>();
  expect(current(queue)).toBeNull();
  expect(hasNext(queue)).toBe(false);
  expect(advance(queue)).toBe(queue);
  expect(queueOf([], 3, null)).toEqual(queue);
});

test("a queue starts where it is told, within its list", () => {
  expect(current(queueOf(album, 1, null))).toBe("two");
  expect(current(queueOf(album, 9, null))).toBe("three");
  expect(current(queueOf(album, -2, null))).toBe("one");
});

test("advancing ends at the last item", () => {
  const last = advance(advance(queueOf(album, 0, "spotify:album:x")));
  expect(current(last)).toBe("three");
  expect(advance(last)).toBe(last);
  expect(last.contextUri).toBe("spotify:album:x");
});

test("previous restarts a track that has been playing for a while", () => {
  const queue = queueOf(album, 1, null);
  expect(stepBack(queue, 3.1)).toEqual({ action: "restart", queue });
});

test("previous goes back from the start of a track", () => {
  const { action, queue } = stepBack(queueOf(album, 1, null), 2);
  expect(action).toBe("previous");
  expect(current(queue)).toBe("one");
});

test("previous on the first track restarts it", () => {
  expect(stepBack(queueOf(album, 0, null), 0).action).toBe("restart");
});

test("a track put next plays next and leaves the original list alone", () => {
  const queue = insertNext(queueOf(album, 0, null), "encore");
  expect(upcoming(queue)).toEqual(["encore", "two", "three"]);
  expect(album).toEqual(["one", "two", "three"]);
  expect(current(insertNext(emptyQueue<string>(), "alone"))).toBe("alone");
});
