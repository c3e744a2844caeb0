// Answers and passages as text with a little Markdown.

import { element } from "./elements.js";

// `code`, **strong**, *emphasis* and [1]. Only words are emphasis, and only text with balanced parentheses is strong:
// f(*args, **kwargs) is neither.
const CODE = "`([^`\\n]+)`";
const STRONG = "\\*\\*(?=\\S)((?:[^*()\\n]|\\([^*()\\n]*\\))+?)(?<=\\S)\\*\\*";
const EMPHASIS = "(?<![\\w*])\\*(\\w[\\w .,'’-]*)(?<=\\w)\\*(?![\\w*])";
const INLINE = new RegExp(`${CODE}|${STRONG}|${EMPHASIS}|\\[(\\d{1,3})\\]`, "g");
const ITEM = /^\s*(?:[-*+•]|(\d{1,9})[.)])\s+(?=\S)/;
const FENCE = /^\s*(```+|~~~+)[^`]*$/;
const HEADING = /^#{1,6}\s+/;
const BLANK = /^\s*$/;

const indentation = (line) => line.length - line.trimStart().length;
const isRule = (line) => line.includes("-") && line.includes("|") && /^[\s|:-]+$/.test(line);
const beginsTable = ([line, next = ""]) => line.includes("|") && isRule(next);
const BEGINS = [BLANK, FENCE, ITEM, HEADING];
const beginsBlock = (lines) => beginsTable(lines) || BEGINS.some((begin) => begin.test(lines[0]));

/** Text with emphasis, code and citations; `cite(number)` makes an element, or null where there is no such citation. */
function inline(text, cite) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const [all, code, strong, emphasis, number] = match;
    let node = null;
    if (code) node = element("code", code);
    else if (strong) node = element("strong", strong);
    else if (emphasis) node = element("em", emphasis);
    else node = cite(Number(number));
    if (!node) continue;
    nodes.push(text.slice(at, match.index), node);
    at = match.index + all.length;
  }
  return [...nodes, text.slice(at)];
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function table(lines, cite) {
  const row = (line, tag) => element("tr", cells(line).map((cell) => element(tag, inline(cell, cite))));
  const [head, , ...body] = lines;
  const parts = [element("thead", row(head, "th")), element("tbody", body.map((line) => row(line, "td")))];
  return scrolling(element("div", element("table", parts), "wide"), "Table");
}

/** A list with its numbers as they are written; what is indented below an item belongs to it. */
function list(lines, cite) {
  const depth = indentation(lines[0]);
  const ordered = Boolean(ITEM.exec(lines[0])[1]);
  const items = [];
  for (const line of lines) {
    const match = indentation(line) <= depth + 1 && ITEM.exec(line);
    if (match && Boolean(match[1]) === ordered) items.push({ number: match[1], width: match[0].length, lines: [line] });
    else items.at(-1).lines.push(line.slice(Math.min(indentation(line), items.at(-1).width)));
  }
  return element(ordered ? "ol" : "ul", items.map((item) => listItem(item, cite)));
}

function listItem({ number, width, lines: [first, ...below] }, cite) {
  const made = element("li", [...inline(first.slice(width), cite), formatted(below.join("\n"), cite)]);
  if (number) made.value = Number(number);
  return made;
}

/** Paragraphs, lists, tables and code of a Markdown-like text. Anything else is shown as it was written. */
export function formatted(text, cite = () => null) {
  const made = document.createDocumentFragment();
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const take = (belongs) => {
    const taken = [lines.shift()];
    while (lines.length && belongs(lines[0])) taken.push(lines.shift());
    return taken;
  };
  while (lines.length) {
    const [line] = lines;
    if (BLANK.test(line)) lines.shift();
    else if (FENCE.test(line)) made.append(code(lines));
    else if (beginsTable(lines)) made.append(table(take((one) => one.includes("|")), cite));
    else if (ITEM.test(line)) made.append(list(take((one) => ITEM.test(one) || /^\s+\S/.test(one)), cite));
    else if (HEADING.test(line)) made.append(element("p", inline(lines.shift().replace(HEADING, ""), cite), "heading"));
    else made.append(element("p", inline(take(() => !beginsBlock(lines)).join("\n"), cite)));
  }
  return made;
}

/** A code block up to its closing fence, or to the end of the text where it has none (yet). */
function code(lines) {
  const fence = FENCE.exec(lines.shift())[1];
  const end = lines.findIndex((line) => line.trim().startsWith(fence) && !line.trim().replaceAll(fence[0], ""));
  const inside = lines.splice(0, end < 0 ? lines.length : end);
  lines.shift();
  return scrolling(element("pre", element("code", inside.join("\n"))), "Code");
}

/** What is wider than its column scrolls inside it; the keyboard reaches it to do so. */
function scrolling(made, label) {
  made.tabIndex = 0;
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", label);
  return made;
}

/** Title and headings of a passage, each once. */
export const trail = (title, headings) => [...new Set([title, ...headings])].filter(Boolean).join(" › ");
export const place = (source) => (source.page ? `${source.path}, page ${source.page}` : source.path);
