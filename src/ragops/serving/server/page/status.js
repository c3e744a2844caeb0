// Opens the status page where the server has a token: exchanges it for a cookie, which a browser sends with a page.

import { byId, element } from "./elements.js";
import { Problem, request } from "./server.js";

const TRIED = "status-tried"; // so that a browser without cookies does not reload for ever

async function open() {
  await request("status/session", { body: {} });
  if (sessionStorage.getItem(TRIED)) {
    sessionStorage.removeItem(TRIED);
    throw new Problem("Your browser keeps no cookie of this server, which the status page needs. Allow it, and reload.");
  }
  sessionStorage.setItem(TRIED, "1");
  location.reload();
}

open().catch((problem) => {
  byId("progress").textContent = "";
  byId("trouble").replaceChildren(element("p", problem.text ?? String(problem), "error"));
});
