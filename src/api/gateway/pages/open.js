// Hands the secret of a personal link over: it stands in the fragment, leaves the address at once and goes to our own
// origin only.
"use strict";

const secret = decodeURIComponent(location.hash.slice(1));
history.replaceState(null, "", location.pathname);

const element = (id) => document.getElementById(id);

function say(title, text, again) {
  document.title = title;
  element("title").textContent = title;
  element("text").textContent = text;
  element("again").hidden = !again;
}

async function reason(answer) {
  try {
    const problem = await answer.json();
    return problem.detail || problem.title || "";
  } catch {
    return "";
  }
}

function sentence(text) {
  if (!text) return "";
  const end = /[.!?]$/.test(text) ? "" : ".";
  return text.charAt(0).toUpperCase() + text.slice(1) + end + " ";
}

async function open_session() {
  say("Opening your session", "One moment.", false);
  let answer;
  try {
    answer = await fetch("/.slipway/open", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({secret}),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
  } catch {
    say("The server does not answer", "Check your network. Your link is not used up by this.", true);
    return;
  }
  if (answer.ok) {
    location.replace("/");
    return;
  }
  const why = sentence(await reason(answer));
  if (answer.status === 401) {
    say("This link does not open the session", why + "Ask whoever gave it to you for a new one.", false);
  } else if (answer.status === 404) {
    say("There is no such session", why + "Ask whoever gave you the link for a new one.", false);
  } else {
    say("The session could not be opened", why + "Try again in a moment.", true);
  }
}

element("again").addEventListener("click", open_session);
if (secret) {
  open_session();
} else {
  say("The link is not complete", "Open your personal link as a whole: it goes on after the # sign.", false);
}
