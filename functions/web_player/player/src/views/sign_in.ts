/** The door. */
import { authorizeUrl } from "../auth/flow";
import { h } from "../dom";
import { wordmark } from "./brand";

/** @param returnTo hash to come back to; @param message why the last try failed, if it did */
export function signInView(returnTo: string, message: string | null): HTMLElement {
  const button = h(
    "button.button.primary.large",
    {
      type: "button",
      "data-testid": "sign-in",
      onclick: async () => {
        button.disabled = true;
        location.assign(await authorizeUrl(returnTo));
      },
    },
    "Sign in to listen",
  );
  // Coming back with the browser's back button must not meet a dead button.
  window.addEventListener("pageshow", () => {
    button.disabled = false;
  });
  return h(
    "main.door",
    {},
    h(
      "div.door-text",
      {},
      h("h1", {}, wordmark()),
      h("p.definition", {}, h("i", { lang: "it" }, "segue"), " /ˈsɛɡweɪ/ — in a score: go on to what follows, without a pause."),
      h("p.door-lead", {}, "One piece into the next. Your music, protected on the way, playing the moment you ask."),
      message && h("p.door-error", { role: "alert", "data-testid": "error-toast" }, message),
      button,
    ),
    h("div.door-score", { "aria-hidden": "true" }, score()),
  );
}

/** Two staves that run into one another, under one long slur. */
function score(): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 600 600");
  svg.setAttribute("preserveAspectRatio", "xMidYMid meet");
  const draw = (d: string, cls: string): void => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    path.setAttribute("class", cls);
    svg.append(path);
  };
  for (let line = 0; line < 5; line += 1) {
    const y = 330 + line * 22;
    draw(`M-20 ${y + 70} C 180 ${y + 70}, 220 ${y - 80}, 620 ${y - 80} S 1500 ${y - 300}, 1900 ${y - 300}`, "stave");
  }
  const heads: [number, number, string][] = [
    [90, 422, "red"],
    [178, 388, "red"],
    [262, 372, "red"],
    [352, 318, "blue"],
    [438, 306, "blue"],
    [530, 262, "blue"],
  ];
  draw("M74 322 C 190 122, 420 66, 548 164 C 418 82, 196 138, 74 322z", "slur");
  for (const [x, y, pencil] of heads) {
    const head = document.createElementNS("http://www.w3.org/2000/svg", "ellipse");
    head.setAttribute("cx", String(x));
    head.setAttribute("cy", String(y));
    head.setAttribute("rx", "17");
    head.setAttribute("ry", "12");
    head.setAttribute("transform", `rotate(-22 ${x} ${y})`);
    head.setAttribute("class", `head ${pencil}`);
    svg.append(head);
    draw(`M${x + 15} ${y - 6} V ${y - 84}`, `stem ${pencil}`);
  }
  return svg;
}
