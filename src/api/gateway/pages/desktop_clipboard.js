// Clipboard: the desktop's and the person's, kept alike where the browser allows it; the text box works everywhere.
export class Clipboard {
  constructor(box, connection) {
    this.box = box;
    this.connection = connection;
    this.last = "";
    box.addEventListener("input", () => this.send(box.value));
    window.addEventListener("focus", () => this.read());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.read(); });
  }

  // From the desktop.
  arrived(text) {
    this.last = text;
    this.box.value = text;
    if (navigator.clipboard && document.hasFocus()) navigator.clipboard.writeText(text).catch(() => {});
  }

  // To the desktop, when the person comes back from elsewhere.
  async read() {
    if (!navigator.clipboard || !navigator.clipboard.readText) return;
    try {
      const text = await navigator.clipboard.readText();
      if (text && text !== this.last) {
        this.box.value = text;
        this.send(text);
      }
    } catch {
      // Not allowed: the text box is there.
    }
  }

  send(text) {
    this.last = text;
    const rfb = this.connection();
    if (rfb) rfb.clipboardPasteFrom(text);
  }
}
