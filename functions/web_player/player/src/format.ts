/** Times and lists as people read them. */

/** `m:ss`, or `h:mm:ss` from an hour on. Negative or unknown times read as 0:00. */
export function clock(seconds: number): string {
  const whole = Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : 0;
  const s = String(whole % 60).padStart(2, "0");
  const m = Math.floor(whole / 60) % 60;
  const h = Math.floor(whole / 3600);
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

/** The same time for a screen reader: `3 minutes 5 seconds`. */
export function spokenTime(seconds: number): string {
  const whole = Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : 0;
  const unit = (n: number, name: string) => `${n} ${name}${n === 1 ? "" : "s"}`;
  const parts: string[] = [];
  if (whole >= 3600) parts.push(unit(Math.floor(whole / 3600), "hour"));
  if (whole >= 60) parts.push(unit(Math.floor(whole / 60) % 60, "minute"));
  parts.push(unit(whole % 60, "second"));
  return parts.join(" ");
}

/** The length of a whole album: `42 min`, `1 h 5 min`. */
export function runningTime(totalMs: number): string {
  const minutes = Math.max(1, Math.round(totalMs / 60_000));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A volume (0..1) as a score marks it. Equal steps of the slider are equal steps of the mark.
 */
export function dynamicMark(volume: number): string {
  if (!(volume > 0)) return "tacet";
  const marks = ["pp", "p", "mp", "mf", "f", "ff"] as const;
  return marks[Math.min(marks.length - 1, Math.floor(volume * marks.length))] ?? "ff";
}

/** Gain for a slider position: the ear is logarithmic, so a straight slider feels wrong. */
export function gainFor(position: number): number {
  const clamped = Math.min(1, Math.max(0, position));
  return clamped ** 2;
}
