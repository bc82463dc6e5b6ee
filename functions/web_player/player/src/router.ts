/** Addresses within the page. They live in the hash: the server knows one page. */

export type Route =
  | { name: "home" }
  | { name: "search"; q: string }
  | { name: "album"; id: string }
  | { name: "artist"; id: string }
  | { name: "made-for-you"; id: string };

export function parseRoute(hash: string): Route {
  const [, name, rest = ""] = /^#?\/?([^/]*)\/?(.*)$/.exec(hash) ?? [];
  let value = rest;
  try {
    value = decodeURIComponent(rest);
  } catch {
    // A stray percent sign: taken as it stands.
  }
  if (name === "search") return { name, q: value };
  if ((name === "album" || name === "artist" || name === "made-for-you") && value) return { name, id: value };
  return { name: "home" };
}

export function hrefOf(route: Route): string {
  switch (route.name) {
    case "home":
      return "#/";
    case "search":
      return `#/search/${encodeURIComponent(route.q)}`;
    default:
      return `#/${route.name}/${encodeURIComponent(route.id)}`;
  }
}
