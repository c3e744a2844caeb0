// Requests to the server, with the token that it may ask for.

import { byId } from "./elements.js";

export const PLAIN = {
  400: "The server did not accept this.",
  403: "You are not allowed to do this.",
  404: "It does not exist, or you are not allowed to see it.",
  409: "The server already has something else under this id.",
  413: "This is too long. Shorten the question, or begin a new conversation.",
  429: "Too many questions are being answered right now.",
  500: "Something went wrong on the server.",
  502: "The server is not reachable right now.",
  503: "Answers are not available right now.",
  504: "The answer took too long.",
  507: "The server has no space left to save it.",
};
export const LOST = "The connection to the server was lost.";
const LONGEST_SILENCE_MS = 60_000; // a waiting server sends a comment every 15 s
const SIGNED_OUT = "Without an access token the server answers nothing.";

/** Something that is shown to the user: a sentence, the server's own line, and seconds to wait before another try. */
export class Problem extends Error {
  constructor(sentence, line = "", wait = 0) {
    super(sentence);
    Object.assign(this, { sentence, line, wait });
  }

  /** In one line. */
  get text() {
    return this.line ? `${this.sentence} ${this.line}` : this.sentence;
  }
}

/** In place of an error of the network; an answer that was stopped stays what it is. */
function lost(error) {
  throw error.name === "AbortError" ? error : new Problem(LOST);
}

/** The server's response; asks for a token where one is needed. Throws a Problem for anything but success. */
export async function request(path, { body, headers = {}, signal } = {}) {
  for (;;) {
    const token = sessionStorage.getItem("token");
    const sent = { ...headers, ...(token && { Authorization: `Bearer ${token}` }) };
    if (body) sent["Content-Type"] = "application/json";
    const options = { method: body ? "POST" : "GET", headers: sent, body: body && JSON.stringify(body), signal };
    const response = await fetch(path, options).catch(lost);
    if (response.ok) return response;
    if (response.status !== 401) {
      const line = await response.json().then((read) => read.error.message).catch(() => ""); // a proxy's, for example
      const sentence = PLAIN[response.status] ?? `The server answered ${response.status}.`;
      throw new Problem(sentence, line, Number(response.headers.get("Retry-After")) || 0);
    }
    await askForToken(token ? "The server did not accept this token." : "The server asks for an access token.");
  }
}

export async function json(path, options) {
  const response = await request(path, options);
  return response.json().catch(() => {
    throw new Problem("The server sent something else than expected. Reload the page.");
  });
}

let tokenAsked = null;

/** Shows one dialog, however many requests wait for it. */
function askForToken(why) {
  tokenAsked ??= new Promise((resolve, reject) => {
    const dialog = byId("sign-in");
    byId("sign-in-why").textContent = why;
    byId("token").value = "";
    byId("sign-in-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem("token", byId("token").value.trim());
      dialog.close("given");
    };
    byId("sign-in-cancel").onclick = () => dialog.close("");
    dialog.onclose = () => {
      tokenAsked = null;
      if (dialog.returnValue === "given") resolve();
      else reject(new Problem(SIGNED_OUT));
    };
    dialog.returnValue = "";
    dialog.showModal();
  });
  return tokenAsked;
}

/** The JSON data of a stream of server-sent events; comments and the closing [DONE] are left out. */
export async function* events(response) {
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const silence = setTimeout(() => reader.cancel(), LONGEST_SILENCE_MS);
    const { done, value } = await reader.read().catch(lost).finally(() => clearTimeout(silence));
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      const data = lines.map((line) => line.slice(5).trimStart()).join("\n");
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}
