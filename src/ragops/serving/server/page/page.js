// The page in front of the server: asks, shows the answer as it is written, opens its passages, sends verdicts.
//
// Questions, answers, titles and passages are untrusted: they become text nodes, never markup. The conversation is kept
// here only, and sent with each question.

import { announce, button, byId, element, part, stamp, uuid } from "./elements.js";
import { LOST, PLAIN, Problem, events, json, request } from "./server.js";
import { formatted, place, trail } from "./text.js";

const narrow = matchMedia("(max-width: 60rem)");
const UNFINISHED = "The answer could not be completed.";

// ------------------------------------------------------------------------------------------------- a passage's panel

const panel = byId("passage");
const FEWEST_WORDS = 4; // of a statement that is looked for in its passage
let opener = null; // what had the focus: gets it back

/** Shows a source of an answer highlighted in its document; from the answer alone if the index has it no longer. */
async function openPassage(source, from) {
  opener = from;
  byId("passage-title").textContent = source.title || source.path;
  byId("passage-path").textContent = place(source);
  const text = byId("passage-text");
  text.replaceChildren(element("p", "Loading the document", "waiting"));
  showPanel();
  byId("passage-title").focus();
  const asked = (panel.asked = {}); // an earlier passage that arrives late is not shown
  const read = await json(`passages/${encodeURIComponent(source.chunk_id)}`).catch((problem) => problem);
  if (panel.asked !== asked) return;
  if (read instanceof Error) {
    const why = read instanceof Problem ? read.text : LOST;
    const note = element("p", `The document cannot be shown. ${why} Below is what the answer used.`, "note");
    text.replaceChildren(note, highlighted([[trail(source.title, source.heading_path), source.text]]));
  } else {
    byId("passage-title").textContent = read.title || read.path;
    text.replaceChildren(...documentParts(read, new Set(source.chunk_ids)));
  }
  showHighlighted(text, statementBefore(from));
}

/** Scrolls to the highlighted part: its beginning, or the statement in it where it stands there word for word. */
function showHighlighted(text, statement) {
  text.scrollTop = 0;
  CSS.highlights?.clear();
  const part = text.querySelector(".highlighted");
  if (!part) return;
  const found = rangeOf(part, statement);
  if (found && CSS.highlights) CSS.highlights.set("statement", new Highlight(found));
  const from = text.getBoundingClientRect();
  const top = part.getBoundingClientRect().top - from.top - 24;
  const end = found ? found.getBoundingClientRect().bottom - from.bottom + 24 : 0;
  text.scrollTop = Math.max(top, end);
}

/** The sentence that a citation in an answer stands after; "" for any other button. */
function statementBefore(citation) {
  const block = citation.closest("[data-part='answer'] :is(p, li, td)");
  if (!block) return "";
  const before = new Range();
  before.setStart(block, 0);
  before.setEndBefore(citation);
  const copy = before.cloneContents();
  for (const other of copy.querySelectorAll(".citation")) other.remove();
  return copy.textContent.split(/(?<=[.!?。！？])\s+/).filter((sentence) => sentence.trim()).at(-1) ?? "";
}

/** Where the words of a sentence follow each other in an element; null if they do not, or are too few to tell. */
function rangeOf(root, sentence) {
  const words = sentence.match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length < FEWEST_WORDS) return null;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  const match = new RegExp(words.join("[^\\p{L}\\p{N}]+"), "u").exec(nodes.map((node) => node.data).join(""));
  if (!match) return null;
  const range = new Range();
  let at = 0;
  for (const node of nodes) {
    const first = match.index - at;
    const last = first + match[0].length;
    if (first >= 0 && first < node.length) range.setStart(node, first);
    if (last > 0 && last <= node.length) range.setEnd(node, last);
    at += node.length;
  }
  return range;
}

/** A document's passages in their order: those of the source in one highlighted part. */
function documentParts(read, ids) {
  const made = [];
  if (read.truncated_before) made.push(element("p", "The beginning of the document is not shown.", "note"));
  let marked = [];
  let before = "";
  for (const one of read.document) {
    const headings = trail("", one.headings);
    const shown = [headings === before ? "" : headings, one.text];
    before = headings;
    if (ids.has(one.id)) marked.push(shown);
    else {
      if (marked.length) made.push(highlighted(marked));
      marked = [];
      made.push(...passageParts(shown));
    }
  }
  if (marked.length) made.push(highlighted(marked));
  if (read.truncated_after) made.push(element("p", "The rest of the document is not shown.", "note"));
  return made;
}

function passageParts([headings, text]) {
  const body = element("div", formatted(text), "text");
  return headings ? [element("h3", headings), body] : [body];
}

function highlighted(passages) {
  const made = element("section", passages.flatMap(passageParts), "highlighted");
  made.setAttribute("aria-label", "Cited passage");
  return made;
}

/** Beside the conversation, or over it where the screen is narrow. */
function showPanel() {
  if (panel.open) panel.close();
  if (narrow.matches) panel.showModal();
  else panel.show();
}

function closePanel() {
  panel.asked = null;
  panel.close();
  opener?.focus();
}

byId("passage-close").addEventListener("click", closePanel);
panel.addEventListener("cancel", (event) => {
  event.preventDefault();
  closePanel();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.open && !byId("sign-in").open) closePanel();
});
narrow.addEventListener("change", () => panel.open && showPanel());

// ---------------------------------------------------------------------------------------------------------- verdicts

/** Thumbs, reason and comment for an answer. */
function feedback(answerId) {
  const root = stamp("feedback-template");
  const details = part(root, "details");
  const given = verdicts(answerId, root);
  const open = (wanted) => {
    details.hidden = !wanted;
    part(root, "more").hidden = wanted || !given.latest;
  };
  const close = () => {
    open(false);
    part(root, "more").focus();
  };

  for (const thumb of root.querySelectorAll(".thumb")) {
    thumb.addEventListener("click", () => {
      const verdict = thumb.dataset.verdict;
      if (given.latest?.verdict !== verdict) {
        details.reset();
        given.give(verdict);
        open(verdict === "down");
      } else open(details.hidden);
    });
  }
  part(root, "again").addEventListener("click", given.repeat);
  part(root, "more").addEventListener("click", () => {
    open(true);
    details.querySelector("fieldset:not([hidden]) input, textarea").focus();
  });
  part(root, "close").addEventListener("click", close);
  details.addEventListener("submit", (event) => {
    event.preventDefault();
    const { verdict } = given.latest;
    const reason = verdict === "down" ? details.querySelector("input:checked")?.value : null;
    given.give(verdict, reason ?? null, part(root, "comment").value.trim() || null);
    close();
  });
  for (const { id, label } of config.reasons) {
    const choice = element("input");
    Object.assign(choice, { type: "radio", name: "reason", value: id });
    part(root, "reasons").append(element("label", [choice, label], "choice"));
  }
  return root;
}

/** A person's verdicts on an answer, each saved under an id made here; the latest one counts. */
function verdicts(answerId, root) {
  const again = part(root, "again");
  let earlier = Promise.resolve();
  const show = (state, className = "") => {
    part(root, "state").textContent = state;
    part(root, "state").className = `state ${className}`;
  };
  /** After the one before, so that the server receives them in the order in which they were given. */
  const save = (verdict) => {
    given.latest = verdict;
    show("Saving");
    again.hidden = true;
    earlier = earlier.then(async () => {
      const failed = await json("feedback", { body: verdict }).then(() => null, (problem) => problem);
      if (verdict !== given.latest) return;
      again.hidden = !failed;
      if (failed) show(`Not saved. ${failed.text ?? LOST}`, "failed");
      else show("Saved", "saved");
    });
  };
  const given = {
    latest: null,
    give(verdict, reason = null, comment = null) {
      for (const thumb of root.querySelectorAll(".thumb")) {
        thumb.setAttribute("aria-pressed", thumb.dataset.verdict === verdict);
      }
      part(root, "reasons").hidden = verdict === "up" || !config.reasons.length;
      save({ verdict_id: uuid(), answer_id: answerId, verdict, reason, comment });
    },
    repeat: () => save(given.latest),
  };
  return given;
}

// ----------------------------------------------------------------------------------------------------- why an answer

const ABSTAINED = {
  "the model": (count) => `The model found no answer in ${count} passage${count === 1 ? "" : "s"}.`,
  "no evidence": (count) =>
    count ? "No passage is similar enough to the question, so no model was asked." : "No passage was found.",
};

/** One line for each model that failed. */
function failures(outputs) {
  const failed = Object.entries(outputs.failed ?? {});
  const rewrites = Object.entries(outputs.not_rewritten ?? {});
  return [
    ...rewrites.map(([name, reason]) => `${name} did not rewrite the question (${reason}).`),
    ...failed.map(([name, reason]) => `${name} did not answer (${reason}).`),
  ];
}

function facts(outputs, question) {
  const { chain = {}, sources = [] } = outputs;
  const number = (value) => value.toLocaleString("en");
  const tokens = `${number(outputs.prompt_tokens)} read, ${number(outputs.completion_tokens)} written`;
  return [
    ["Searched for", outputs.standalone === question ? "" : outputs.standalone],
    ["Evidence", `${outputs.evidence.toFixed(2)} of 1`],
    ["Model", outputs.model ? `${outputs.model} (tokens: ${tokens})` : "none was asked"],
    ["Failed models", failures(outputs).join("\n")],
    ["Prompt", outputs.prompt],
    ["Chain", `${chain.name}, ${/^\d/.test(chain.version) ? "version " : ""}${chain.version}`],
    ["Index generation", outputs.generation],
    ["Citations", citationFacts(outputs, sources)],
    ["Time", `${outputs.seconds.toFixed(2)} s`],
    ["Answer id", outputs.answer_id],
    ["Trace", outputs.trace_id],
  ].filter(([, value]) => value);
}

function citationFacts(outputs, sources) {
  const cited = sources.filter((source) => source.cited).length;
  const said = [`${cited} of ${sources.length} passages cited`];
  if (outputs.quoted) said.push("the model cited nothing, so the passages are quoted instead of its text");
  if (outputs.attributed) said.push(`${outputs.attributed} added to sentences that repeat a passage`);
  if (outputs.removed_citations) said.push(`${outputs.removed_citations} made-up ones removed`);
  return said.join("; ");
}

function why(outputs, question) {
  const root = stamp("why-template");
  for (const [name, value] of facts(outputs, question)) {
    root.querySelector("dl").append(element("dt", name), element("dd", value));
  }
  part(root, "count").textContent = outputs.sources.length ? "Passages found" : "No passages were found";
  part(root, "passages").append(...outputs.sources.map(passageItem));
  return root;
}

function passageItem(source) {
  const item = stamp("passage-template");
  const open = part(item, "open");
  open.textContent = `${source.number}. ${trail(source.title, source.heading_path)}`;
  open.addEventListener("click", () => openPassage(source, open));
  part(item, "path").textContent = [place(source), ...(source.also_in ?? [])].join("; also in ");
  const scores = [["similarity", source.similarity], ["score", source.score]].filter(([, value]) => value != null);
  part(item, "scores").textContent = scores.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
  if (source.cited) part(item, "scores").prepend(element("span", "cited", "badge"), " ");
  return item;
}

// --------------------------------------------------------------------------------------------- questions and answers

const conversation = []; // what was said, as it is sent with the next question
const KEPT = 20; // messages sent before a question; the chain reads fewer (answers.history_turns)
let config = { name: "", problem: "", examples: [], reasons: [], user: null };
let running = null; // the AbortController of the answer that is being written

/** A question's card, with what its answer needs: the same input and key however often it is tried. */
function ask(question) {
  const card = stamp("exchange-template");
  part(card, "question").textContent = question;
  byId("conversation").append(card);
  byId("welcome").hidden = true;
  byId("new").hidden = false;
  for (const old of document.querySelectorAll("[data-part='error'] button")) old.remove();
  const input = [...conversation.slice(-KEPT), { role: "user", content: question }];
  part(card, "question").scrollIntoView({ block: "start" });
  answer({ card, question, input, key: uuid() });
  return card;
}

async function answer(exchange) {
  const { card, question, input, key } = exchange;
  const stop = (running = new AbortController());
  busy(true);
  for (const name of ["notes", "answer", "error", "after"]) part(card, name).replaceChildren();
  part(card, "answer").classList.remove("unfinished");
  part(card, "waiting").hidden = false;
  card.setAttribute("aria-busy", "true");
  announce("Searching the documents");
  try {
    const options = { body: { input, stream: true }, headers: { "Idempotency-Key": key }, signal: stop.signal };
    const response = await read(await request("responses", options), part(card, "answer"), card);
    show(card, question, response);
  } catch (error) {
    failed(exchange, error);
  } finally {
    part(card, "waiting").hidden = true;
    card.removeAttribute("aria-busy");
    if (running === stop) {
      running = null;
      busy(false);
    }
  }
}

/** The finished response; meanwhile its text is shown as it comes. */
async function read(response, shown, card) {
  let text = "";
  let drawn = 0;
  const draw = () => {
    drawn = 0;
    shown.replaceChildren(formatted(text, (number) => element("span", number, "citation")));
  };
  try {
    for await (const event of events(response)) {
      if (event.type === "response.output_text.delta") {
        part(card, "waiting").hidden = true;
        text += event.delta;
        drawn ||= requestAnimationFrame(draw);
      } else if (event.type === "response.completed") return event.response;
      else if (event.type === "response.failed") throw new Problem(UNFINISHED, event.response.error?.message);
      else if (event.type === "error") throw new Problem(UNFINISHED, event.message);
    }
  } finally {
    cancelAnimationFrame(drawn);
    if (text) draw();
  }
  throw new Problem(LOST);
}

/** The checked answer in place of the streamed text. */
function show(card, question, response) {
  const outputs = response.custom_outputs;
  const text = response.output.flatMap((item) => item.content ?? []).map((one) => one.text ?? "").join("\n");
  const cited = new Map(outputs.sources.filter((source) => source.cited).map((source) => [source.number, source]));
  const cite = (number) => {
    const source = cited.get(number);
    if (!source) return null;
    const made = button(String(number), () => openPassage(source, made), "citation");
    made.setAttribute("aria-label", `Source ${number}: ${trail(source.title, source.heading_path)}`);
    return made;
  };
  part(card, "answer").replaceChildren(formatted(text, cite));
  card.classList.toggle("abstained", Boolean(outputs.abstained));
  if (outputs.abstained) {
    const reason = ABSTAINED[outputs.abstained]?.(outputs.sources.length) ?? outputs.abstained;
    part(card, "answer").append(element("p", reason, "muted"));
  }
  const models = Object.keys(outputs.failed ?? {});
  const note = `${models.join(", ")} did not answer; ${outputs.model} did instead.`;
  if (models.length) part(card, "notes").append(element("p", note, "note"));
  showSources(card, [...cited.values()]);
  part(card, "after").append(feedback(response.id), why(outputs, question));
  conversation.push({ role: "user", content: question }, { role: "assistant", content: text });
  announce(`${outputs.abstained ? "No answer" : "Answer"}: ${text.replace(/\s*\[\d{1,3}\]/g, "")}`);
}

function showSources(card, sources) {
  part(card, "sources").hidden = !sources.length;
  const items = sources.map((source) => {
    const open = button(trail(source.title, source.heading_path), () => openPassage(source, open), "source");
    const number = element("span", String(source.number), "citation");
    return element("li", [number, element("div", [open, element("span", place(source), "path")])]);
  });
  part(card, "sources").querySelector("ol").replaceChildren(...items);
}

/** What went wrong, beside the part that had come, which nobody has checked. */
function failed(exchange, error) {
  const { card } = exchange;
  const stopped = error.name === "AbortError";
  if (!stopped && !(error instanceof Problem)) console.error(error);
  const unfinished = part(card, "answer").hasChildNodes();
  const said = stopped ? new Problem("Stopped.") : error instanceof Problem ? error : new Problem(PLAIN[500]);
  const lines = [element("p", said.sentence)];
  if (said.line) lines.push(element("p", said.line, "line"));
  if (unfinished) lines.push(element("p", "The text above is incomplete, and its citations are not checked."));
  part(card, "answer").classList.toggle("unfinished", unfinished);
  part(card, "error").className = stopped ? "stopped" : "error";
  part(card, "error").replaceChildren(...lines, retryButton(exchange, said.wait));
}

/** Tries again under the same key, so that an answer that exists already is not made twice. */
function retryButton(exchange, wait) {
  const again = button("Try again", () => {
    if (running) return;
    part(exchange.card, "question").focus();
    answer(exchange);
  });
  const count = (left) => {
    again.disabled = left > 0;
    again.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left > 0) setTimeout(count, 1000, left - 1);
  };
  count(Math.ceil(wait));
  return again;
}

// ---------------------------------------------------------------------------------------------------------- the page

const question = byId("question");

function busy(is) {
  if (!is && document.activeElement === byId("stop")) question.focus(); // a hidden button loses it
  byId("send").hidden = is;
  byId("stop").hidden = !is;
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || running) return;
  question.value = "";
  ask(text);
});
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("ask").requestSubmit();
});
byId("stop").addEventListener("click", () => {
  running?.abort();
  question.focus();
});
byId("new").addEventListener("click", () => {
  running?.abort();
  if (panel.open) closePanel();
  conversation.length = 0;
  byId("conversation").replaceChildren();
  byId("welcome").hidden = false;
  byId("new").hidden = true;
  announce("New conversation");
  question.focus();
});

/** What the server says of itself: its name, examples, reasons of verdicts, and who is asking. */
async function start() {
  byId("trouble").replaceChildren();
  try {
    Object.assign(config, await json("config"));
    introduce();
    if (!config.chain) await json("ready"); // its error says why there is no chain
  } catch (problem) {
    const text = element("p", problem.text ?? PLAIN[500]);
    byId("trouble").replaceChildren(element("div", [text, button("Try again", start)], "error"));
  }
}

function introduce() {
  if (config.name) byId("name").textContent = document.title = config.name;
  byId("problem").textContent = config.problem;
  const { name = "", groups = [] } = config.user ?? {};
  byId("user").textContent = groups.length ? `${name} (${groups.join(", ")})` : name;
  byId("examples").hidden = !config.examples.length;
  const examples = config.examples.map((text) => {
    const choose = () => !running && part(ask(text), "question").focus(); // the button is hidden now
    return element("li", button(text, choose, "example"));
  });
  byId("examples").querySelector("ul").replaceChildren(...examples);
}

question.focus();
start();
