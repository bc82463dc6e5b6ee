import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { expire } from "../src/views/toast";

class Toast extends EventTarget {
  inUse = false;
  readonly remove = vi.fn();

  matches(selector: string): boolean {
    expect(selector).toBe(":hover, :focus-within");
    return this.inUse;
  }
}

let toast: Toast;

beforeEach(() => {
  vi.useFakeTimers();
  toast = new Toast();
  expire(toast as unknown as HTMLElement, 1000);
});
afterEach(() => {
  vi.useRealTimers();
});

test("what nobody uses goes in its time", () => {
  vi.advanceTimersByTime(999);
  expect(toast.remove).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(toast.remove).toHaveBeenCalledOnce();
});

test.each(["pointerleave", "focusout"])("what is in use stays, and for its whole time after %s", (left) => {
  toast.inUse = true;
  vi.advanceTimersByTime(60_500);
  toast.inUse = false;
  toast.dispatchEvent(new Event(left));
  vi.advanceTimersByTime(999);
  expect(toast.remove).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(toast.remove).toHaveBeenCalledOnce();
});
