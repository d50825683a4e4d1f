// Keeps the status page live: puts each rendering the gateway sends in place of the last, shows times in the reader's
// zone, and says so when the connection is lost, because a stale green would be a lie.
"use strict";

const inside = document.getElementById("inside");
const link = document.getElementById("link");
const linkWord = document.getElementById("link-word");
const updated = document.getElementById("updated");
const silence = 25000; // The gateway speaks at least every 10 s.

const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
let last = Date.now();
let words = new Map();

function localise() {
  for (const time of inside.querySelectorAll("time")) {
    const date = new Date(time.dateTime);
    time.textContent = clock(date);
    time.title = date.toLocaleString();
  }
}

// Marks the texts whose state changed since the last rendering, so that they glow for a moment.
function markChanges() {
  const now = new Map();
  for (const row of inside.querySelectorAll("[data-key]")) {
    const word = row.dataset.word;
    now.set(row.dataset.key, word);
    if (words.size > 0 && words.get(row.dataset.key) !== word) row.classList.add("changed");
  }
  words = now;
}

function title() {
  const word = inside.querySelector(".word");
  document.title = (word ? word.textContent + " · " : "") + "Wardwire";
}

function alive() {
  last = Date.now();
  document.body.classList.remove("lost");
  link.className = "link live";
  linkWord.textContent = "Live";
  updated.textContent = "updated " + new Date(last).toLocaleTimeString([], { hourCycle: "h23" });
}

function lost() {
  if (document.body.classList.contains("lost")) return;
  document.body.classList.add("lost");
  link.className = "link gone";
  linkWord.textContent = "Connection lost";
  const word = inside.querySelector(".word");
  const sentence = inside.querySelector("h1");
  if (word && sentence) {
    word.textContent = "Not known";
    sentence.textContent = "No connection to the gateway since " + clock(new Date(last)) + ".";
  }
  title();
}

function follow() {
  const source = new EventSource("/status/stream");
  source.addEventListener("status", (event) => {
    inside.innerHTML = event.data;
    localise();
    markChanges();
    title();
    alive();
  });
  source.onerror = () => {
    lost();
    // A refused stream is not tried again by the browser itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  };
}

localise();
markChanges();
title();
setInterval(() => { if (Date.now() - last > silence) lost(); }, 2000);
follow();
