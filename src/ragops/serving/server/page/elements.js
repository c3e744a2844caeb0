// Elements of the pages. All text becomes text nodes, never markup.

export const byId = (id) => document.getElementById(id);
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);
export const stamp = (template) => byId(template).content.firstElementChild.cloneNode(true);

export function element(tag, content = "", className = "") {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}

export function button(label, onClick, className = "") {
  const made = element("button", label, className);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

/** Read out by screen readers when they have finished what they are reading. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** A version 4 UUID. Not crypto.randomUUID: browsers have it on HTTPS and localhost only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
