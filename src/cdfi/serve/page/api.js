// Requests to the server.

import { TEXT } from "./text.js";

const HIDDEN_PAUSE = 10000; // milliseconds between two requests of a hidden page

export class ApiError extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

// Return the JSON of an answer; throw an ApiError with the server's message.
export async function call(path, { method = "GET", body, signal } = {}) {
  const options = { method, signal };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(TEXT.disconnected, 0);
  }
  const values = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(values.error || response.statusText, response.status);
  return values;
}

// Return the query of a source, for facts and pictures.
export function sourceQuery(ref) {
  const query = new URLSearchParams();
  for (const id of ref.files || []) query.append("file", id);
  for (const path of ref.paths || []) query.append("path", path);
  return query.toString();
}

// Follow the events of all jobs. The browser connects again by itself after a break.
// A hidden page closes its stream and requests the jobs now and then: browsers allow six connections to a
// server, for all pages together.
export function followEvents(handlers) {
  let stream = open(handlers);
  document.addEventListener("visibilitychange", () => {
    stream.close();
    if (!document.hidden) stream = open(handlers);
  });
  setInterval(() => {
    if (document.hidden) call("api/jobs").then(handlers.onSnapshot, () => handlers.onConnection(false));
  }, HIDDEN_PAUSE);
  setInterval(() => {
    if (stream.readyState === EventSource.CLOSED && !document.hidden) stream = open(handlers);
  }, 2000);
}

function open({ onSnapshot, onJob, onRemoved, onConnection }) {
  const stream = new EventSource("api/events");
  stream.addEventListener("snapshot", (event) => onSnapshot(JSON.parse(event.data)));
  stream.addEventListener("job", (event) => onJob(JSON.parse(event.data)));
  stream.addEventListener("removed", (event) => onRemoved(JSON.parse(event.data).id));
  stream.addEventListener("open", () => onConnection(true));
  stream.addEventListener("error", () => onConnection(false));
  return stream;
}
