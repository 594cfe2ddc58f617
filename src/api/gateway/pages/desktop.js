// The desktop's page: noVNC on our origin, the connection kept alive, the session's end announced.
import RFB from "/.slipway/assets/novnc/core/rfb.js";
import {Clipboard} from "/.slipway/assets/desktop_clipboard.js";
import {Path} from "/.slipway/assets/desktop_path.js";
import {Countdown} from "/.slipway/assets/desktop_countdown.js";

const element = (id) => document.getElementById(id);
const kStatusMs = 5000;
const kRetryMs = 1000;  // and a new try as soon as the path is back

let rfb = null;
let ended = false;
let retry = 0;

function state(text, good) {
  element("state").textContent = text;
  element("dot").classList.toggle("good", good);
}

function cover(title, text) {
  element("cover").hidden = !title;
  if (!title) return;
  element("cover-title").textContent = title;
  element("cover-text").textContent = text;
}

function apply_size() {
  const size = element("size").value;
  localStorage.setItem("slipway-size", size);
  if (!rfb) return;
  rfb.scaleViewport = size !== "plain";  // with "resize" it helps out where the desktop cannot change its size
  rfb.resizeSession = size === "resize";
}

const clipboard = new Clipboard(element("clipboard-text"), () => rfb);

function connect() {
  clearTimeout(retry);
  retry = 0;
  if (rfb || ended) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  rfb = new RFB(element("screen"), `${scheme}//${location.host}/.slipway/vnc`, {shared: true});
  rfb.background = "transparent";
  rfb.addEventListener("connect", connected);
  rfb.addEventListener("disconnect", disconnected);
  rfb.addEventListener("clipboard", (event) => clipboard.arrived(event.detail.text));
  apply_size();
}

function connected() {
  state("Connected", true);
  cover("");
  rfb.focus();
}

function disconnected() {
  rfb = null;
  if (ended) return;
  state("Reconnecting", false);
  cover("Connection interrupted", "The desktop goes on running. Trying to reach it again.");
  look_at_status();
  if (!retry) retry = setTimeout(try_again, kRetryMs);
}

// Asks for a small thing first: a browser holds a new WebSocket to an unreachable server back for long.
async function try_again() {
  retry = 0;
  if (rfb || ended) return;
  if (await path.measure()) {
    connect();
  } else if (!retry) {
    retry = setTimeout(try_again, kRetryMs);
  }
}

const path = new Path({
  shown: (ms) => { element("latency").textContent = ms === null ? "– ms" : `${Math.round(ms)} ms`; },
  // The socket does not notice a path that was cut: whatever comes after such a silence needs a new one.
  cut: () => { if (rfb) rfb.disconnect(); },
});

const countdown = new Countdown(element("banner"), element("banner-text"), element("extend"), look_at_status);

async function look_at_status() {
  let status;
  try {
    const answer = await fetch("/.slipway/status", {cache: "no-store", signal: AbortSignal.timeout(4000)});
    if (answer.status === 401 || answer.status === 404) return end("You are no longer signed in to this session", "Open your personal link again.");
    if (!answer.ok) return;
    status = await answer.json();
  } catch {
    return;  // Path says it
  }
  if (status.ended) return end("This session has ended", status.reason);
  if (!status.ready && !rfb) cover("The desktop is not ready", status.reason);
  countdown.show(status);
}

function end(title, text) {
  ended = true;
  if (rfb) rfb.disconnect();
  state("Ended", false);
  cover(title, text);
  countdown.hide();
  path.stop();
}

const kPanels = [["clipboard-button", "clipboard-panel"], ["keyboard-button", "keyboard-panel"]];

// One at a time; "" closes all.
function open_panel(wanted) {
  for (const [button, box] of kPanels) {
    element(box).hidden = box !== wanted;
    element(button).setAttribute("aria-expanded", String(box === wanted));
  }
}

function make_panel(button_id, box_id) {
  const button = element(button_id);
  const box = element(box_id);
  button.addEventListener("click", () => open_panel(box.hidden ? box_id : ""));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open_panel("");
    button.focus();
  });
}

async function hint_layout() {
  const box = element("layout-hint");
  if (!navigator.keyboard || !navigator.keyboard.getLayoutMap) return;
  try {
    const map = await navigator.keyboard.getLayoutMap();
    const row = ["KeyQ", "KeyW", "KeyE", "KeyR", "KeyT", "KeyY"].map((code) => map.get(code) || "").join("");
    box.textContent = `Your keyboard's first row reads ${row.toUpperCase()}; your browser's language is ${navigator.language}.`;
  } catch {
    box.textContent = `Your browser's language is ${navigator.language}.`;
  }
}

element("size").value = localStorage.getItem("slipway-size") || "resize";
element("size").addEventListener("change", apply_size);
for (const [button, box] of kPanels) make_panel(button, box);
element("send-cad").addEventListener("click", () => rfb && rfb.sendCtrlAltDel());
element("send-esc").addEventListener("click", () => rfb && rfb.sendKey(0xff1b, "Escape"));
element("full-button").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => {});
});
document.addEventListener("fullscreenchange", () => { if (rfb) rfb.focus(); });

hint_layout();
look_at_status();
setInterval(() => { if (!ended) look_at_status(); }, kStatusMs);
connect();
