// Countdown: says that the session will end soon, and keeps it with one click.
const kHardWarningMs = 10 * 60 * 1000;
const kLonger = "30m";

function clock(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export class Countdown {
  constructor(banner, text, button, refresh) {
    this.banner = banner;
    this.text = text;
    this.button = button;
    this.refresh = refresh;
    this.ends = null;
    button.addEventListener("click", () => this.extend());
    setInterval(() => this.draw(), 500);
  }

  hide() {
    this.ends = null;
    this.banner.hidden = true;
  }

  show(status) {
    const ahead = Date.parse(status.now) - Date.now();
    const left = (time) => (time ? Date.parse(time) - ahead : Infinity);
    const idle = left(status.idle_ends_at);
    const hard = left(status.ends_at);
    const soon = idle - Date.now() <= Math.max(status.idle_warning_ms, 1);
    if (soon && idle <= hard) this.ends = {at: idle, why: "because nobody uses it", longer: ""};
    else if (status.seat)
      this.ends = status.notice ? {at: hard, why: "with its workshop. Save your work", longer: "", kept: true} : null;
    else if (hard - Date.now() <= kHardWarningMs) this.ends = {at: hard, why: "because its time is over", longer: kLonger};
    else this.ends = null;
    this.draw();
  }

  draw() {
    this.banner.hidden = !this.ends;
    if (!this.ends) return;
    this.text.textContent = `This session ends in ${clock(this.ends.at - Date.now())} ${this.ends.why}.`;
    this.button.hidden = Boolean(this.ends.kept);  // only the instructor moves that end
    this.button.textContent = this.ends.longer ? "30 minutes more" : "Stay";
  }

  async extend() {
    this.button.disabled = true;
    try {
      const answer = await fetch("/.slipway/extend", {
        method: "POST",
        headers: {"Content-Type": "application/json"},
        body: JSON.stringify(this.ends && this.ends.longer ? {for: this.ends.longer} : {}),
        signal: AbortSignal.timeout(4000),
      });
      if (!answer.ok) {
        const problem = await answer.json();
        this.ends = {...this.ends, why: `and cannot be kept longer: ${problem.detail || problem.title}`};
      }
    } catch {
      // The next click tries again.
    }
    this.button.disabled = false;
    this.refresh();
  }
}
