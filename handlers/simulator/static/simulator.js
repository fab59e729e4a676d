// What the page can do without, made comfortable: new messages appear by themselves, and the keys type.
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

async function look() {
  try {
    const response = document.hidden ? null : await fetch(list.dataset.url);
    const messages = response?.ok ? await response.json() : [];
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
