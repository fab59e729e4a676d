/* What pages do by themselves; each works without it. An element says:

   data-live="/live/home"   it is fetched anew when something has happened since its data-mark
   data-poll="/path"        the same every data-every seconds, for as long as what comes has data-poll
   data-count-parts="id"    a textarea whose SMS parts that element shows, by its data-said; data-unicode is of the
                            first letter outside
   data-confirm="Sure?"     a form that asks first
   data-reveal="id"         a button that shows and hides that element, or the letters of a password */
"use strict";
{
const all = (selector, root = document) => root.querySelectorAll(selector);
const fetched = async path => {
  const answer = await fetch(path, {headers: {"X-Mwanga-Live": "1"}, credentials: "same-origin"});
  if (answer.redirected || answer.status === 401 || answer.status === 403) location.reload();  // signed out
  return answer.ok && !answer.redirected ? answer.text() : null;
};

// --- Live: one stream for the page, and none while nobody looks at it
const live = all("[data-live]");
let stream, late;
const refresh = async () => {
  for (const part of live) {
    if (part.contains(document.activeElement)) { late = true; continue; }  // somebody is about to press something
    try {
      const text = await fetched(part.dataset.live);
      if (text !== null && !part.contains(document.activeElement)) part.innerHTML = text;
    } catch { /* the next news bring it */ }
  }
};
const listen = () => {
  if (stream || document.hidden) return;
  stream = new EventSource("/live?mark=" + live[0].dataset.mark);
  stream.addEventListener("home", refresh);
  stream.addEventListener("ended", () => location.reload());
  stream.onerror = () => {
    if (stream && stream.readyState === 2) { stream = null; setTimeout(() => { refresh(); listen(); }, 60000); }
  };
};
if (live.length && window.EventSource) {
  listen();
  addEventListener("visibilitychange", () => {
    if (document.hidden) { stream && stream.close(); stream = null; } else { refresh(); listen(); }
  });
  addEventListener("pagehide", () => { stream && stream.close(); stream = null; });
  addEventListener("pageshow", listen);
  addEventListener("focusout", () => setTimeout(() => { if (late) { late = false; refresh(); } }, 500));
}

// --- Poll: a part that waits for something, such as a phone that is to be linked
const poll = part => setTimeout(async () => {
  let text = null;
  try { if (!document.hidden) text = await fetched(part.dataset.poll); } catch { /* again */ }
  if (text === null) return poll(part);
  const made = document.createElement("template");
  made.innerHTML = text.trim();
  const next = made.content.firstElementChild;
  part.replaceWith(made.content);
  if (next && next.dataset.poll) poll(next);
}, 1000 * (part.dataset.every || 3));
all("[data-poll]").forEach(poll);

// --- SMS parts, as bot/text/gsm.py counts what it makes of a text: letters of SMS
const PAIR = /[[\]\\^{|}~€]/, TWO = /[æÆœŒß]/, MARK = /[\p{Mn}\p{Me}\p{Cf}]/u, SIGN = /[\s‘’‚‛ʼʻʹ′´`ˈ“”„‟«»‐-―−…⁄·]/,
  KEPT = /[\n -_a-z£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÉ¤¡ÄÖÑÜ§¿äöñüà]/;
const costs = l => PAIR.test(l) ? [2] : TWO.test(l) ? [1, 1] : KEPT.test(l) || l !== "…" && SIGN.test(l) ? [1] : 0;
const spelt = l => {
  const found = [...l.normalize("NFKD")].filter(piece => !MARK.test(piece)).map(costs);
  return found.includes(0) ? [1] : found.flat();
};
const count = text => {
  const letters = [...text.normalize("NFC").replace(/[^\S\n]+$/gm, "").trim()];
  let total = 0, parts = 1, used = 0;
  for (const cost of letters.flatMap(l => costs(l) || spelt(l))) {
    total += cost; used += cost;
    if (used > 153) { parts += 1; used = cost; }
  }
  const letter = letters.find(l => !PAIR.test(l) && !KEPT.test(l) && !SIGN.test(l));
  return {letters: total, parts: total > 160 ? parts : 1, letter};
};
for (const area of all("[data-count-parts]")) {
  const shown = document.getElementById(area.dataset.countParts);
  const say = () => {
    const found = count(area.value);
    const said = shown.dataset.said + (found.letter ? " " + (shown.dataset.unicode || "") : "");
    shown.textContent = area.value && said.replace(/{(\w+)}/g, (gap, name) => found[name] ?? gap);
  };
  area.addEventListener("input", say);
  say();
}

addEventListener("submit", event => {
  const asked = (event.submitter && event.submitter.dataset.confirm) || event.target.dataset.confirm;
  if (asked && !confirm(asked)) event.preventDefault();
});

for (const button of all("[data-reveal]")) {
  const shown = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    if (shown.tagName === "INPUT") shown.type = shown.type === "password" ? "text" : "password";
    else shown.hidden = !shown.hidden;
    button.setAttribute("aria-pressed", String(shown.type === "text" || shown.hidden === false));
  });
}
}
