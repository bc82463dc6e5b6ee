/** Tap to sound, measured where the listener is. */

/** Chromium says how much audio it has decoded. */
type DecodingAudio = HTMLAudioElement & { webkitAudioDecodedByteCount?: number };

/** Without animation frames (hidden tab) the clock is looked at this often, in milliseconds. */
const FALLBACK_POLL_MS = 10;

/**
 * Resolves with the milliseconds from `tappedAtMs` (a `performance.now()` time) to the first moment at
 * which the new source's clock has moved, which it does only once decoded audio is being rendered.
 *
 * Call before the source is changed: only what happens after the next `loadedmetadata` counts, or the
 * clock of the track that is being replaced would.
 */
export function firstAudio(
  audio: DecodingAudio,
  tappedAtMs: number,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let frame = 0;
    let timer = 0;
    const stop = (): void => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
    const look = (): void => {
      stop();
      const decoded = audio.webkitAudioDecodedByteCount;
      if (!audio.paused && audio.currentTime > 0 && (decoded === undefined || decoded > 0)) {
        audio.removeEventListener("playing", look);
        audio.removeEventListener("timeupdate", look);
        resolve(performance.now() - tappedAtMs);
        return;
      }
      frame = requestAnimationFrame(look);
      timer = window.setTimeout(look, FALLBACK_POLL_MS);
    };
    audio.addEventListener(
      "loadedmetadata",
      () => {
        if (signal.aborted) return;
        audio.addEventListener("playing", look, { signal });
        audio.addEventListener("timeupdate", look, { signal });
        look();
      },
      { once: true, signal },
    );
    signal.addEventListener("abort", () => {
      stop();
      reject(signal.reason);
    });
  });
}
