// What the page can do without, made comfortable: new messages appear and the phone rings by themselves, and the keys
// type.
"use strict";

const list = document.getElementById("messages");
let shown = [...list.children].map((item) => item.id).join();

function item(message) {
  const text = document.createElement("p");
  text.textContent = message.text;
  const at = document.createElement("small");
  at.textContent = message.at;
  const item = document.createElement("li");
  item.id = message.id;
  item.className = message.said ? "said" : "heard";
  item.append(text, at);
  return item;
}

const ringing = document.getElementById("ring");

function ring(asked) {
  const reference = ringing.querySelector("[name=ring]");
  if (reference.value === (asked?.reference ?? "")) return;
  reference.value = asked?.reference ?? "";
  ringing.querySelector(".wallet").textContent = asked?.wallet ?? "";
  ringing.querySelector(".question").textContent = asked?.question ?? "";
  ringing.hidden = !asked;
  if (asked) ringing.querySelector("[name=pin]").focus();
}

async function look() {
  try {
    const response = document.hidden ? null : await fetch(list.dataset.url);
    const { messages = [], ring: asked = null } = response?.ok ? await response.json() : {};
    if (response?.ok) ring(asked);
    const news = messages.map((message) => message.id).join();
    if (news && news !== shown) {
      list.replaceChildren(...messages.map(item));
      shown = news;
    }
  } catch {
    // the server is away for a moment: look again
  }
  setTimeout(look, 1000);
}

setTimeout(look, 1000);

const fields = [...document.querySelectorAll(".phone input:not([type=hidden])")];
let field = fields[0];
for (const each of fields) each.addEventListener("focus", () => (field = each));
for (const key of document.querySelectorAll(".keys button")) {
  key.disabled = !field;
  key.addEventListener("click", () => {
    field.setRangeText(key.textContent, field.selectionStart, field.selectionEnd, "end");
    field.focus();
  });
}
document.querySelector(".keys").hidden = false;
