// The API explorer: the operations of /openapi.json by tag, and a form to try each of them.

const METHODS = ["get", "post", "put", "patch", "delete"];
const TOKEN_KEY = "segue.docs.token";
const MAX_SHOWN = 200_000; // characters of an answer

const state = { document: null, operations: [], typed: new Map() };

/** An element: attributes, then children; strings become text, never markup. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Words in which `code` is marked. */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

const byId = (id) => document.getElementById(id);

// --- the document -----------------------------------------------------------------------------

function resolve(schema) {
  let found = schema ?? {};
  while (found.$ref) {
    const steps = found.$ref.slice(2).split("/");
    found = steps.reduce((part, step) => part[step.replaceAll("~1", "/")], state.document);
  }
  return found;
}

function operationsOf(api) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })),
  );
}

/** A value that `schema` allows, to begin a body with. */
function example(schema, depth = 0) {
  const found = resolve(schema);
  if (found.example !== undefined) return found.example;
  if (found.examples?.length) return found.examples[0];
  if (found.default !== undefined && found.default !== null) return found.default;
  if (found.const !== undefined) return found.const;
  if (found.enum) return found.enum[0];
  const choice = (found.anyOf ?? found.oneOf)?.find((one) => resolve(one).type !== "null");
  if (choice) return example(choice, depth);
  const type = Array.isArray(found.type) ? found.type[0] : found.type;
  if (type === "object" || found.properties) {
    if (depth > 4) return {};
    const wanted = Object.entries(found.properties ?? {}).filter(
      ([name]) => !found.required?.length || found.required.includes(name) || depth === 0,
    );
    return Object.fromEntries(wanted.map(([name, part]) => [name, example(part, depth + 1)]));
  }
  if (type === "array") return depth > 4 ? [] : [example(found.items, depth + 1)];
  if (type === "integer" || type === "number") return found.minimum ?? 0;
  if (type === "boolean") return false;
  return "";
}

function typeOf(schema) {
  const found = resolve(schema);
  if (found.anyOf || found.oneOf) return (found.anyOf ?? found.oneOf).map(typeOf).join(" | ");
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.type === "array") return `${typeOf(found.items)}[]`;
  return found.title && found.properties ? found.title : (found.type ?? "any");
}

function limits(schema) {
  const { minimum, maximum, minLength, maxLength, pattern, default: preset } = resolve(schema);
  const said = [];
  if (minimum !== undefined || maximum !== undefined) said.push(`${minimum ?? ""}..${maximum ?? ""}`);
  if (minLength !== undefined || maxLength !== undefined) {
    said.push(`${minLength ?? 0}..${maxLength ?? ""} characters`);
  }
  if (pattern?.length < 60) said.push(pattern);
  if (preset !== undefined && preset !== null) said.push(`default ${JSON.stringify(preset)}`);
  return said.join(" · ");
}

/** A schema as a tree; an object inside opens on demand, so recursion costs nothing. */
function schemaTree(schema) {
  const found = resolve(schema);
  const items = found.type === "array" ? resolve(found.items) : null;
  const options = found.anyOf ?? found.oneOf ?? items?.anyOf ?? items?.oneOf;
  const shape =
    [found, items, ...(options ?? []).map(resolve)].find((one) => one?.properties) ?? null;
  if (!shape) return el("div", { class: "schema" }, el("span", { class: "type" }, typeOf(found)));
  const list = el("ul", {});
  for (const [name, part] of Object.entries(shape.properties)) {
    const inner = resolve(part);
    const nested = [inner, resolve(inner.items), ...(inner.anyOf ?? inner.oneOf ?? []).map(resolve)];
    const line = [
      name,
      shape.required?.includes(name) ? el("b", { title: "always there" }, "*") : null,
      " ",
      el("span", { class: "type" }, typeOf(part)),
      el("span", { class: "note" }, inner.description ? ` ${inner.description}` : ""),
    ];
    if (nested.some((one) => one?.properties || resolve(one?.items)?.properties)) {
      const more = el("details", {}, el("summary", {}, ...line));
      more.addEventListener("toggle", () => more.open && more.append(schemaTree(part)), {
        once: true,
      });
      list.append(el("li", {}, more));
    } else {
      list.append(el("li", {}, ...line));
    }
  }
  return el("div", { class: "schema" }, list);
}

// --- the list ---------------------------------------------------------------------------------

function showList() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (one) => {
    const text = `${one.method} ${one.path} ${one.summary} ${one.tags}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const parts = state.document.tags.map(({ name, description }) => {
    const found = state.operations.filter((one) => one.tags?.includes(name) && matches(one));
    if (!found.length) return null;
    const lines = found.map((one) =>
      el(
        "li",
        { class: one.deprecated ? "deprecated" : undefined },
        el(
          "a",
          { href: `#${one.operationId}`, "data-id": one.operationId, title: one.summary },
          el("span", { class: `method ${one.method}` }, one.method.toUpperCase()),
          el("span", { class: "path" }, one.path.replace(/^\/v1/, "")),
        ),
      ),
    );
    return [el("h2", { title: description }, name), el("ul", {}, lines)];
  });
  byId("operations").replaceChildren(...parts.flat().filter(Boolean));
  if (!byId("operations").children.length) {
    byId("operations").append(el("p", { class: "quiet" }, "Nothing matches."));
  }
  mark();
}

function mark() {
  const id = location.hash.slice(1);
  for (const link of document.querySelectorAll("nav a")) {
    link.setAttribute("aria-current", String(link.dataset.id === id));
  }
}

// --- one operation ----------------------------------------------------------------------------

function show() {
  const one = state.operations.find(({ operationId }) => operationId === location.hash.slice(1));
  byId("operation").replaceChildren(...(one ? operationView(one) : overview()));
  byId("operation").scrollTop = 0;
  mark();
}

function overview() {
  const { info, servers, components } = state.document;
  const scopes = Object.values(components.securitySchemes)[0].flows.authorizationCode.scopes;
  return [
    el("h1", {}, info.title),
    el("p", { class: "words" }, prose(info.description)),
    el("p", {}, "Base URL: ", el("code", {}, servers[0].url)),
    el("p", { class: "quiet" }, `${state.operations.length} operations. Choose one at the left.`),
    el("h2", {}, "Scopes"),
    el(
      "table",
      {},
      Object.entries(scopes).map(([scope, words]) =>
        el("tr", {}, el("td", {}, el("code", {}, scope)), el("td", {}, words)),
      ),
    ),
  ];
}

function operationView(one) {
  const summary = (one.summary ?? one.operationId).replaceAll("_", " ");
  const needs = (one.security ?? []).map((each) => Object.values(each)[0]);
  const scopes = needs.filter((each) => each.length).map((each) => each.join(" + "));
  return [
    el("h1", {}, summary),
    el(
      "p",
      { class: "address" },
      el("span", { class: `method ${one.method}` }, one.method.toUpperCase()),
      el("span", { class: "path" }, one.path),
    ),
    one.description ? el("p", { class: "words" }, prose(one.description)) : null,
    el(
      "p",
      {},
      one.deprecated ? el("span", { class: "chip warning" }, "deprecated") : null,
      needs.length
        ? scopes.length
          ? scopes.map((scope) => el("span", { class: "chip", title: "scope" }, scope))
          : el("span", { class: "chip" }, "any access token")
        : el("span", { class: "chip" }, "no token needed"),
      scopes.length > 1 ? el("span", { class: "quiet" }, "any one of these") : null,
    ),
    el("h2", {}, "Try it"),
    form(one),
    el("h2", {}, "Answers"),
    answersTable(one),
  ].filter(Boolean);
}

function answersTable(one) {
  return el(
    "table",
    {},
    Object.entries(one.responses).map(([status, answer]) => {
      const schema = Object.values(resolve(answer).content ?? {})[0]?.schema;
      const words = resolve(answer).description;
      const good = status.startsWith("2") ? "ok" : "bad";
      return el(
        "tr",
        {},
        el("td", {}, el("span", { class: `status ${good}` }, status)),
        el(
          "td",
          {},
          schema && Object.keys(schema).length
            ? el(
                "details",
                { open: good === "ok" },
                el("summary", {}, words, " ", el("code", {}, typeOf(schema))),
                schemaTree(schema),
              )
            : words,
        ),
      );
    }),
  );
}

function form(one) {
  const inputs = (one.parameters ?? [])
    .map(resolve)
    .filter((parameter) => ["path", "query", "header"].includes(parameter.in))
    .map((parameter) => ({ parameter, input: field(parameter) }));
  const [mediaType, media] = Object.entries(resolve(one.requestBody).content ?? {})[0] ?? [];
  const body = media ? el("textarea", { spellcheck: "false", "aria-label": "Body" }) : null;
  if (body && mediaType === "application/json") {
    body.value = JSON.stringify(example(media.schema), null, 2);
    body.rows = Math.min(24, body.value.split("\n").length + 1);
  }
  const answer = el("div", { "aria-live": "polite" });
  const request = () => requestOf(one, inputs, mediaType, body);
  const send = el("button", { type: "submit" }, "Send");
  return el(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        send.disabled = true;
        answer.replaceChildren(await attempt(request));
        send.disabled = false;
      },
    },
    inputs.length ? el("div", { class: "fields" }, inputs.flatMap(fieldRow)) : null,
    body ? [el("p", { class: "quiet" }, `Body, ${mediaType}`), body] : null,
    el(
      "div",
      { class: "actions" },
      send,
      el(
        "button",
        {
          type: "button",
          class: "plain",
          onclick: () => answer.replaceChildren(el("pre", {}, curl(request()))),
        },
        "as curl",
      ),
    ),
    answer,
  );
}

function field(parameter) {
  const schema = resolve(parameter.schema);
  const key = `${parameter.in}:${parameter.name}`;
  const keep = (event) => state.typed.set(key, event.target.value);
  const preset = state.typed.get(key) ?? parameter.example ?? schema.examples?.[0] ?? "";
  const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
  const id = `field-${parameter.name}`;
  if (choices) {
    const options = ["", ...choices].map((one) =>
      el("option", { value: one, selected: one === preset }, String(one)),
    );
    return el("select", { id, oninput: keep, required: parameter.required }, options);
  }
  const placeholder = schema.default !== undefined ? String(schema.default) : "";
  const input = el("input", { id, placeholder, oninput: keep, required: parameter.required });
  input.value = preset;
  return input;
}

function fieldRow({ parameter, input }) {
  const words = [parameter.description, limits(parameter.schema)].filter(Boolean).join(" · ");
  return [
    el(
      "label",
      { for: input.id },
      parameter.name,
      parameter.required ? el("b", {}, " *") : null,
      el("small", {}, `${parameter.in}, ${resolve(parameter.schema).type ?? "any"}`),
    ),
    el("div", {}, input, words ? el("p", { class: "hint" }, prose(words)) : null),
  ];
}

// --- sending ----------------------------------------------------------------------------------

function requestOf(one, inputs, mediaType, body) {
  let path = one.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of inputs) {
    const { value } = input;
    if (parameter.in === "path") {
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    } else if (value !== "" && parameter.in === "query") query.append(parameter.name, value);
    else if (value !== "") headers[parameter.name] = value;
  }
  const token = byId("token").value.trim();
  if (token && one.security?.length) headers.Authorization = `Bearer ${token}`;
  const content = body?.value.trim() || undefined;
  if (content) headers["Content-Type"] = mediaType;
  const address = query.size ? `${path}?${query}` : path;
  return { method: one.method.toUpperCase(), address, headers, content };
}

async function attempt(make) {
  const { method, address, headers, content } = make();
  const started = performance.now();
  try {
    const response = await fetch(address, { method, headers, body: content, cache: "no-store" });
    const stream = response.headers.get("content-type")?.startsWith("text/event-stream");
    const text = stream ? await firstEvents(response) : await response.text();
    return answerView(response, text, performance.now() - started);
  } catch (error) {
    return el("p", { class: "status bad" }, `No answer: ${error.message}`);
  }
}

/** What a stream of events says in its first seconds. */
async function firstEvents(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => reader.cancel(), 3000);
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  clearTimeout(timer);
  return text;
}

function answerView(response, text, elapsedMs) {
  const json = response.headers.get("content-type")?.includes("json");
  const shown = el("pre", {});
  if (!text) shown.append(el("span", { class: "quiet" }, "(no body)"));
  else if (json && text.length < MAX_SHOWN) shown.append(...highlighted(text));
  else shown.append(text.slice(0, MAX_SHOWN));
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return el(
    "div",
    { class: "answer" },
    el(
      "header",
      {},
      el(
        "span",
        { class: `status ${response.ok ? "ok" : "bad"}` },
        `${response.status} ${response.statusText}`,
      ),
      el("span", {}, `${elapsedMs.toFixed(0)} ms`),
      el("span", {}, `${new Blob([text]).size.toLocaleString()} bytes`),
    ),
    shown,
    el("details", {}, el("summary", {}, "Headers"), el("pre", {}, headers)),
  );
}

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON, laid out and coloured, as nodes. */
function highlighted(text) {
  let laidOut;
  try {
    laidOut = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return [text];
  }
  const nodes = [];
  let last = 0;
  for (const found of laidOut.matchAll(TOKENS)) {
    nodes.push(laidOut.slice(last, found.index));
    const [whole, string, colon] = found;
    const kind = colon ? "key" : string ? "string" : /[a-z]/.test(whole) ? "word" : "number";
    nodes.push(el("span", { class: `json-${kind}` }, string ?? whole), colon ?? "");
    last = found.index + whole.length;
  }
  return [...nodes, laidOut.slice(last)];
}

function curl({ method, address, headers, content }) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = [`curl -X ${method} ${quoted(location.origin + address)}`];
  for (const [name, value] of Object.entries(headers)) {
    parts.push(`-H ${quoted(`${name}: ${name === "Authorization" ? "Bearer $TOKEN" : value}`)}`);
  }
  if (content) parts.push(`--data ${quoted(content)}`);
  return parts.join(" \\\n  ").replace(`'Authorization: Bearer $TOKEN'`, `"Authorization: Bearer $TOKEN"`);
}

// --- the token --------------------------------------------------------------------------------

function showToken() {
  const token = byId("token").value.trim();
  sessionStorage.setItem(TOKEN_KEY, token);
  byId("token-state").value = token ? lifeOf(token) : "";
}

function lifeOf(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    const minutes = Math.floor((claims.exp * 1000 - Date.now()) / 60_000);
    return minutes < 0 ? "expired" : `valid for ${minutes} min`;
  } catch {
    return "not a token";
  }
}

async function start() {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`/openapi.json answers ${answer.status}`);
  state.document = await answer.json();
  state.operations = operationsOf(state.document);
  byId("token").value = sessionStorage.getItem(TOKEN_KEY) ?? "";
  byId("token").addEventListener("input", showToken);
  byId("filter").addEventListener("input", showList);
  addEventListener("hashchange", show);
  showToken();
  showList();
  show();
}

start().catch((error) => {
  byId("operation").replaceChildren(el("p", { class: "status bad" }, error.message));
});
