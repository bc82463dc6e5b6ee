/** Keys for the whole page. A focused control keeps its own keys. */
import type { Player } from "./playback/player";

const SEEK_SECONDS = 5;
const VOLUME_STEP = 0.05;

export function connectKeyboard(player: Player, search: HTMLInputElement, main: HTMLElement): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    if (target === search ? fromSearch(event, search, main) : moveThroughRows(event, target, search, main)) {
      event.preventDefault();
      return;
    }
    if (target.matches("input, textarea, select, dialog *")) return;
    if (event.key === " " && target.matches("button, a, summary")) return;
    if (shortcut(event, player, search)) event.preventDefault();
  });
}

function shortcut(event: KeyboardEvent, player: Player, search: HTMLInputElement): boolean {
  switch (event.key) {
    case " ":
    case "k":
      player.toggle(event.timeStamp);
      return true;
    case "ArrowLeft":
    case "ArrowRight": {
      const forward = event.key === "ArrowRight";
      if (event.shiftKey) {
        if (forward) player.next(event.timeStamp);
        else player.previous(event.timeStamp);
      } else player.seek(player.positionSeconds + (forward ? SEEK_SECONDS : -SEEK_SECONDS));
      return true;
    }
    case "ArrowUp":
    case "ArrowDown":
      // Without a track these keys scroll, as everywhere.
      if (!player.track) return false;
      player.setVolume(player.volume + (event.key === "ArrowUp" ? VOLUME_STEP : -VOLUME_STEP));
      return true;
    case "m":
      player.toggleMute();
      return true;
    case "/":
      search.focus();
      search.select();
      return true;
    default:
      return false;
  }
}

function rowsIn(main: HTMLElement): HTMLElement[] {
  return [...main.querySelectorAll<HTMLElement>("[data-row]:not(:disabled, [hidden] *)")];
}

function fromSearch(event: KeyboardEvent, search: HTMLInputElement, main: HTMLElement): boolean {
  if (event.key === "Escape") {
    search.blur();
    return true;
  }
  if (event.key !== "ArrowDown") return false;
  const first = rowsIn(main)[0];
  first?.focus();
  return first !== undefined;
}

function moveThroughRows(
  event: KeyboardEvent,
  target: HTMLElement,
  search: HTMLInputElement,
  main: HTMLElement,
): boolean {
  if ((event.key !== "ArrowDown" && event.key !== "ArrowUp") || !target.matches("[data-row]")) return false;
  const rows = rowsIn(main);
  const to = rows.indexOf(target) + (event.key === "ArrowDown" ? 1 : -1);
  if (to < 0) search.focus();
  else rows[to]?.focus();
  return true;
}
