/* What pages do by themselves. Each works without it too: a page says by data- attributes what it would like.

   data-live="/live/home"     the element is fetched anew from there when something has happened since its data-mark
   data-poll="/path"          the same every few seconds (data-every="3"), for as long as what comes has data-poll
   data-count-parts="id"      a textarea whose SMS parts are shown in the element of this id, by its own sentence
                              (data-said="{letters} characters, {parts} SMS") and, where one letter is no letter of SMS,
                              another (data-unicode="“{letter}” …")
   data-confirm="Sure?"       a form that asks first
   data-reveal="id"           a button that shows and hides the element of this id, or the letters of a password */
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

// --- SMS parts, as bot/text/gsm.py counts them
const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
  "¿abcdefghijklmnopqrstuvwxyzäöñüà", EXTENDED = "\f^{}\\[~]|€";
const count = text => {
  const letters = [...text];
  const odd = letters.find(letter => !BASIC.includes(letter) && !EXTENDED.includes(letter));
  const [single, joined] = odd ? [70, 67] : [160, 153];
  let total = 0, parts = 1, used = 0;
  for (const letter of letters) {
    const cost = odd ? letter.length : EXTENDED.includes(letter) ? 2 : 1;
    total += cost;
    used += cost;
    if (used > joined) { parts += 1; used = cost; }
  }
  return {letters: total, parts: total <= single ? 1 : parts, letter: odd};
};
for (const area of all("[data-count-parts]")) {
  const shown = document.getElementById(area.dataset.countParts);
  const say = () => {
    const found = count(area.value);
    const said = (found.letter && shown.dataset.unicode ? shown.dataset.said + " " + shown.dataset.unicode : shown.dataset.said);
    shown.textContent = area.value ? said.replace(/{(\w+)}/g, (gap, name) => found[name] ?? gap) : "";
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
