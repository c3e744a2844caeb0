// The page for reviewers: shows drawn answers one after the other, saves labels, then shows what judges said.
//
// Questions, answers, passages and what judges wrote are untrusted: they become text nodes, never markup.

import { announce, button, byId, element, part, stamp, uuid } from "./elements.js";
import { PLAIN, Problem, json } from "./server.js";
import { formatted, place, trail } from "./text.js";

const OPINION = { true: "good", false: "bad" };

let queue = { answers: [], dimensions: {}, labelled: 0, waiting: 0, hidden: 0 };
let skipped = []; // ids of answers that are shown again after all others

// ------------------------------------------------------------------------------------------------------- an answer

/** The card of an answer: question, answer, passages, a choice for each dimension. */
function card(answer) {
  const root = stamp("answer-template");
  const passages = answer.passages.map(passageItem);
  const cite = (number) => {
    const at = answer.passages.findIndex((passage) => passage.number === number);
    if (at < 0) return null;
    const made = button(String(number), () => passages[at].focus(), "citation");
    const { title, headings } = answer.passages[at];
    made.setAttribute("aria-label", `Passage ${number}: ${trail(title, headings)}`);
    return made;
  };
  part(root, "question").textContent = answer.question;
  part(root, "answer").append(formatted(answer.answer, cite));
  part(root, "right").hidden = !answer.reference;
  part(root, "reference").append(formatted(answer.reference ?? ""));
  part(root, "count").textContent = passages.length ? "Passages that it was made from" : "No passages were found";
  part(root, "passages").append(...passages);
  part(root, "dimensions").append(...answer.dimensions.map(dimensionChoice));
  part(root, "labels").addEventListener("submit", (event) => {
    event.preventDefault();
    save(root, answer);
  });
  part(root, "skip").addEventListener("click", () => {
    skipped = [...skipped.filter((id) => id !== answer.answer_id), answer.answer_id];
    queue.answers.push(queue.answers.shift());
    announce("Skipped");
    show();
  });
  part(root, "next").addEventListener("click", next);
  return root;
}

function passageItem(passage) {
  const item = stamp("passage-template");
  part(item, "number").textContent = passage.number ?? "";
  part(item, "number").hidden = passage.number === null;
  part(item, "title").textContent = trail(passage.title, passage.headings);
  part(item, "cited").hidden = !passage.cited;
  part(item, "path").textContent = place(passage);
  part(item, "text").append(formatted(passage.text));
  return item;
}

function dimensionChoice(name) {
  const made = stamp("dimension-template");
  const { title, question, good, bad } = queue.dimensions[name];
  made.querySelector("legend").textContent = title;
  part(made, "asked").textContent = question;
  part(made, "good").textContent = good;
  part(made, "bad").textContent = bad;
  for (const input of made.querySelectorAll("input")) input.name = name;
  return made;
}

// ----------------------------------------------------------------------------------------------------------- labels

/** Saves the choices. The same choices are sent again under the same ids, so that they count once. */
async function save(root, answer) {
  const form = part(root, "labels");
  const choices = answer.dimensions.map((judge) => [judge, form.elements[judge].value]);
  const comment = part(root, "comment").value.trim() || null;
  const said = JSON.stringify([choices, comment]);
  if (answer.said !== said) {
    const labels = choices.map(([judge, verdict]) => ({ label_id: uuid(), judge, verdict }));
    Object.assign(answer, { said, body: { answer_id: answer.answer_id, labels, comment } });
  }
  state(root, "Saving");
  enabled(form, false);
  try {
    const saved = await json("review/labels", { body: answer.body });
    state(root, "Saved", "saved");
    queue.labelled += 1;
    queue.waiting -= 1;
    progress();
    reveal(root, new Map(choices), saved.judges);
  } catch (problem) {
    enabled(form, true);
    state(root, `Not saved. ${problem.text ?? PLAIN[500]}`, "failed");
    form.querySelector("button[type=submit]").focus();
  }
}

function state(root, text, className = "") {
  part(root, "state").textContent = text;
  part(root, "state").className = `state ${className}`;
}

function enabled(form, is) {
  for (const one of form.elements) one.disabled = !is;
}

/** What the judges said, beside the reviewer's own labels. */
function reveal(root, own, judges) {
  const items = judges.filter(({ judge }) => own.has(judge)).flatMap(({ judge, verdict, good, reason }) => {
    const same = OPINION[good] === own.get(judge);
    const yours = `you said ${own.get(judge)}${same ? "" : " (different)"}`;
    const said = `${verdict}, which counts as ${OPINION[good]}; ${yours}`;
    const parts = [element("dt", queue.dimensions[judge].title), element("dd", said)];
    return reason ? [...parts, element("dd", reason)] : parts;
  });
  const none = element("p", "No judge has judged this answer.");
  if (items.length) root.querySelector("dl").append(...items);
  else root.querySelector("dl").replaceWith(none);
  for (const one of root.querySelectorAll("form button")) one.hidden = true;
  part(root, "judges").hidden = false;
  part(root, "next").focus();
}

// ---------------------------------------------------------------------------------------------------------- the page

function progress() {
  const left = Math.max(0, queue.waiting);
  byId("progress").textContent = `${queue.labelled} labelled by you, ${left} to go`;
}

/** Shows the first answer that waits, or says that none does. */
function show() {
  progress();
  const [answer] = queue.answers;
  const shown = answer ? card(answer) : nothing();
  byId("answer").replaceChildren(shown);
  if (answer) part(shown, "question").focus();
}

function nothing() {
  const lines = ["No answer waits for you. The job collect_calls draws new ones, every hour in a workspace."];
  if (queue.hidden) {
    const few = queue.hidden === 1 ? "1 answer is" : `${queue.hidden} answers are`;
    lines.push(`${few} not shown: made from passages that you may not read, or that the index has no longer.`);
  }
  return element("div", lines.map((line) => element("p", line)), "text");
}

function next() {
  queue.answers.shift();
  if (queue.answers.length) show();
  else start();
}

/** Loads the answers that wait for this reviewer; those that were skipped come last. */
async function start() {
  byId("trouble").replaceChildren();
  try {
    const read = await json("review/queue");
    const late = (answer) => skipped.indexOf(answer.answer_id);
    queue = { ...read, answers: [...read.answers].sort((a, b) => late(a) - late(b)) };
    byId("user").textContent = queue.reviewer;
    show();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    byId("progress").textContent = "";
    byId("answer").replaceChildren();
    const again = button("Try again", start);
    const lines = [element("p", problem.sentence), element("p", problem.line, "line")];
    byId("trouble").replaceChildren(element("div", [...lines, again], "error"));
  }
}

start();
