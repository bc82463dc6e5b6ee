/** Pictures: never a broken one, never a jumping layout. */
import { h } from "../dom";
import { type Image, imageFor } from "../models";

/**
 * A square picture of about `px` CSS pixels, or a sheet of staves with the name's first letter.
 * Decorative: what it shows is always named beside it.
 */
export function artwork(images: Image[] | undefined, name: string, px: number, shape = ""): HTMLElement {
  const frame = h("span.art", { "aria-hidden": "true", "data-initial": name.trim().charAt(0) || "·" });
  if (shape) frame.classList.add(shape);
  const source = imageFor(images, px * Math.min(2, globalThis.devicePixelRatio || 1));
  if (source) {
    const picture = h("img", { alt: "", width: px, height: px, decoding: "async", draggable: "false" });
    picture.loading = px > 200 ? "eager" : "lazy";
    // With CORS the picture's colour may be read; without, it must at least be seen.
    picture.crossOrigin = "anonymous";
    picture.onload = () => frame.classList.add("loaded");
    picture.onerror = () => {
      if (picture.crossOrigin === null) {
        picture.remove();
        return;
      }
      picture.removeAttribute("crossorigin");
      picture.src = source;
    };
    picture.src = source;
    frame.append(picture);
  }
  return frame;
}

/** Colours `target` (custom property `--tint`) after the liveliest colour of the artwork in it. */
export function tintFrom(frame: HTMLElement, target: HTMLElement): void {
  const picture = frame.querySelector("img");
  if (!picture) return;
  const read = (): void => {
    const colour = liveliestColour(picture);
    if (colour) target.style.setProperty("--tint", colour);
  };
  if (picture.complete && picture.naturalWidth > 0) read();
  else picture.addEventListener("load", read, { once: true });
}

function liveliestColour(picture: HTMLImageElement): string | null {
  const side = 12;
  const canvas = document.createElement("canvas");
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  try {
    context.drawImage(picture, 0, 0, side, side);
    const { data } = context.getImageData(0, 0, side, side);
    let best: [number, number, number] = [0, 0, 0];
    let liveliness = -1;
    for (let i = 0; i < data.length; i += 4) {
      const pixel: [number, number, number] = [data[i] ?? 0, data[i + 1] ?? 0, data[i + 2] ?? 0];
      const high = Math.max(...pixel);
      const spread = (high - Math.min(...pixel)) * (high > 60 ? 1 : 0.3);
      if (spread > liveliness) {
        liveliness = spread;
        best = pixel;
      }
    }
    return `rgb(${best.join(" ")})`;
  } catch {
    // The edge did not allow reading: the page keeps its own colours.
    return null;
  }
}
