// Shows how far a session is and opens it when it is ready.
"use strict";

const kPollMs = 1000;
const kTimeoutMs = 4000;
let asked_at = 0;  // by the server's clock
let ahead_ms = 0;  // how far that is before ours

function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const part = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${part(seconds % 60)}`
                      : `${Math.floor(minutes / 60)}:${part(minutes % 60)}:${part(seconds % 60)}`;
}

function show_elapsed() {
  if (asked_at) document.getElementById("elapsed").textContent = clock(Date.now() + ahead_ms - asked_at);
}

function show_phases(phases) {
  let before = null;
  let current = null;
  for (const line of document.querySelectorAll("#phases li")) {
    const phase = phases.find((one) => one.name === line.dataset.phase);
    const at = phase && phase.at ? Date.parse(phase.at) : 0;
    line.className = at ? "done" : "";
    line.removeAttribute("aria-current");
    line.querySelector(".time").textContent = at && before ? "+" + ((at - before) / 1000).toFixed(1) + " s" : "";
    if (at) before = at;
    if (!at && !current) current = line;
  }
  if (current) {
    current.className = "now";
    current.setAttribute("aria-current", "step");
  }
}

function show(status) {
  const reason = document.getElementById("reason");
  if (reason.textContent !== status.reason) reason.textContent = status.reason;
  const notice = document.getElementById("notice");
  notice.hidden = !status.notice;
  if (notice.textContent !== status.notice) notice.textContent = status.notice || "";
  show_person(status);
  asked_at = Date.parse(status.phases[0].at);
  ahead_ms = Date.parse(status.now) - Date.now();
  show_phases(status.phases);
  show_elapsed();
}

// A participant of a workshop may pick a name while waiting.
function show_person(status) {
  const form = document.getElementById("person");
  if (!status.seat || !form.hidden) return;
  form.hidden = false;
  document.getElementById("display_name").value = status.display_name || "";
}

async function save_name(event) {
  event.preventDefault();
  const saved = document.getElementById("saved");
  try {
    const answer = await fetch("/.slipway/name", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({name: document.getElementById("display_name").value.trim()}),
      signal: AbortSignal.timeout(kTimeoutMs),
    });
    saved.textContent = answer.ok ? "Saved." : (await answer.json()).detail || "That did not work.";
  } catch {
    saved.textContent = "That did not work. Try again.";
  }
}

async function poll() {
  let trouble = false;
  try {
    const answer = await fetch("/.slipway/status", {cache: "no-store", signal: AbortSignal.timeout(kTimeoutMs)});
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error();
    const status = await answer.json();
    if (status.ready || status.ended) return location.reload();
    show(status);
  } catch {
    trouble = true;
  }
  document.getElementById("trouble").hidden = !trouble;
  setTimeout(poll, kPollMs);
}

document.getElementById("person").addEventListener("submit", save_name);
setInterval(show_elapsed, 500);
poll();
