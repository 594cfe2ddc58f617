// Path: measures the round trip to the server all the time, and says when the way there was cut.
const kEveryMs = 2000;
const kTimeoutMs = 1500;
const kCutAfter = 3;  // in a row
const kKept = 5;

export class Path {
  constructor({shown, cut}) {
    this.shown = shown;
    this.cut = cut;
    this.times = [];
    this.failures = 0;
    this.timer = setInterval(() => this.measure(), kEveryMs);
    this.measure();
  }

  stop() { clearInterval(this.timer); }

  // Whether the server answered.
  async measure() {
    const start = performance.now();
    try {
      const answer = await fetch("/.slipway/ping", {cache: "no-store", signal: AbortSignal.timeout(kTimeoutMs)});
      if (!answer.ok) throw new Error();
    } catch {
      this.failures += 1;
      this.times = [];
      this.shown(null);
      if (this.failures === kCutAfter) this.cut();
      return false;
    }
    this.failures = 0;
    this.times = [...this.times, performance.now() - start].slice(-kKept);
    this.shown([...this.times].sort((a, b) => a - b)[Math.floor(this.times.length / 2)]);
    return true;
  }
}
