// Uploads: in pieces, each continued where the server's copy ends, also after a reload of the page.

import { ApiError, call } from "./api.js";

const PIECE = 64 * 1024 * 1024; // bytes of one request
const LONGEST_PAUSE = 15000; // milliseconds between two tries
const MEMORY = "cdfi-uploads";

// Upload a file; return its id. onProgress(received, waiting) is called as it proceeds.
export async function upload(file, { onProgress, signal }) {
  const known = await remembered(file);
  const entry = known || (await call(createPath(file), { method: "POST", signal }));
  remember(file, entry.id);
  let { received } = entry;
  let pause = 500;
  while (received < file.size) {
    try {
      received = (await sendPiece(file, entry.id, received, onProgress, signal)).received;
      pause = 500;
    } catch (error) {
      if (signal.aborted || !isTemporary(error)) throw error;
      onProgress(received, true);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      received = await receivedOf(entry.id, received);
    }
  }
  onProgress(file.size, false);
  return entry.id;
}

function createPath(file) {
  return `api/files?${new URLSearchParams({ name: file.name, size: file.size })}`;
}

// Another request may have continued the upload (409), or the connection broke (0), or the disk was
// full for a while (507).
function isTemporary(error) {
  return error instanceof ApiError && [0, 409, 429, 502, 503, 504, 507].includes(error.status);
}

async function receivedOf(id, before) {
  try {
    return (await call(`api/files/${id}`)).received;
  } catch (error) {
    if (error.status === 404) throw error;
    return before;
  }
}

// Send the piece at an offset. XMLHttpRequest reports its progress, fetch does not.
function sendPiece(file, id, offset, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", `api/files/${id}?offset=${offset}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(offset + event.loaded, false);
    request.onload = () => {
      if (request.status === 200) resolve(request.response);
      else reject(new ApiError(request.response?.error || request.statusText, request.status));
    };
    request.onerror = () => reject(new ApiError("", 0));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file.slice(offset, offset + PIECE));
  });
}

function keyOf(file) {
  return `${file.name} ${file.size} ${file.lastModified}`;
}

function memory() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY)) || {};
  } catch {
    return {};
  }
}

function remember(file, id) {
  const entries = Object.entries({ ...memory(), [keyOf(file)]: id }).slice(-50);
  localStorage.setItem(MEMORY, JSON.stringify(Object.fromEntries(entries)));
}

// Return the server's entry of a file that was uploaded before, completely or not.
async function remembered(file) {
  const id = memory()[keyOf(file)];
  if (!id) return null;
  try {
    const entry = await call(`api/files/${id}`);
    return entry.size === file.size ? entry : null;
  } catch {
    return null;
  }
}
