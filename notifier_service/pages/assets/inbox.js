// <tenure-inbox>: on a console's page a bell with the unread count and a list; on /inbox what the server wrote comes alive.
// The server renders everything and counts; this asks again when the stream says that something has changed.

const base = new URL(".", import.meta.url);
const asIs = { createHTML: (html) => html };
const ours = globalThis.trustedTypes?.createPolicy("tenure-inbox", asIs) ?? asIs;
const BELL = `<button class="bell" aria-haspopup="dialog" aria-label="Inbox"><svg width="22" height="22" viewBox="0 0 24 24"
fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path
d="M6 9a6 6 0 0 1 12 0c0 6 2 7 2 7H4s2-1 2-7M10 20h4"/></svg><span class="count" aria-hidden="true"></span></button>
<div class="panel" popover role="dialog" aria-label="Inbox"></div>`;

const parse = (html) => new DOMParser().parseFromString(ours.createHTML(html), "text/html").body;
const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

class TenureInbox extends HTMLElement {
  #token;
  #query = "";
  #content; // holds `.inbox`
  #bell;
  #stream = new AbortController();
  #loading = false;
  #outdated = false;

  /** A bearer token of the account; a new one takes its place at any time. Without one, the page's own session counts. */
  set token(token) {
    this.#token = token;
    if (this.isConnected) this.#start();
  }

  get token() {
    return this.#token;
  }

  connectedCallback() {
    if (Object.hasOwn(this, "token")) { // set before this class was there
      const { token } = this;
      delete this.token;
      this.#token = token;
    }
    if (!this.#content) this.#build();
    document.addEventListener("visibilitychange", this.#start);
    this.#start();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#start);
    this.#stream.abort();
  }

  #build() {
    if (this.querySelector(".inbox")) {
      this.#content = this;
      this.#query = location.search;
      addEventListener("popstate", () => this.#go(location.search));
      const named = document.getElementById(location.hash.slice(1));
      if (named?.matches("details")) named.open = true;
    } else {
      this.#buildBell();
    }
    const content = this.#content;
    content.addEventListener("submit", (event) => this.#submit(event));
    content.addEventListener("click", (event) => this.#click(event));
    content.addEventListener("keydown", (event) => this.#key(event));
    content.addEventListener("toggle", ({ target }) => this.#opened(target), true);
  }

  #buildBell() {
    const root = this.attachShadow({ mode: "open" });
    root.append(...parse(BELL).childNodes);
    this.#bell = root.querySelector(".bell");
    this.#content = root.querySelector(".panel");
    this.#bell.popoverTargetElement = this.#content;
    this.#content.addEventListener("beforetoggle", () => {
      const { bottom, right } = this.#bell.getBoundingClientRect();
      const width = Math.min(460, innerWidth - 16);
      Object.assign(this.#content.style, { top: `${bottom + 8}px`, left: `${Math.max(8, right - width)}px` });
    });
    fetch(new URL("tenure-inbox.css", base)).then(async (answer) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(await answer.text());
      root.adoptedStyleSheets = [sheet];
    });
  }

  // A hidden page needs no stream; when it is looked at again, it asks what has changed.
  #start = () => {
    this.#stream.abort();
    if (document.hidden || (this.#bell && !this.#token)) return;
    this.#stream = new AbortController();
    this.#listen(this.#stream.signal);
  };

  async #listen(signal) {
    for (let pause = 1; !signal.aborted; pause = Math.min(2 * pause, 30)) {
      try {
        const answer = await this.#ask("api/inbox/stream", { signal });
        if (answer.status === 401) return;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let text = "", part; !(part = await reader.read()).done; ) {
          text += part.value;
          if (!text.includes("event:") || !text.endsWith("\n\n")) continue;
          text = "";
          pause = 1;
          this.#refresh();
        }
      } catch {} // the network, or the service, is away
      await wait(pause);
    }
  }

  async #ask(path, options = {}) {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    const answer = await fetch(new URL(path, base), { ...options, headers });
    if (answer.status === 401) this.#bell ? this.dispatchEvent(new Event("unauthorized")) : location.reload();
    return answer;
  }

  async #refresh() {
    this.#outdated = true;
    if (this.#loading) return;
    this.#loading = true;
    while (this.#outdated) {
      this.#outdated = false;
      const answer = await this.#ask(`inbox/fragment${this.#query}`).catch(() => null);
      if (answer?.ok) this.#show(parse(await answer.text()).querySelector(".inbox"));
    }
    this.#loading = false;
  }

  #show(fresh) {
    const shown = this.#content.querySelector(".inbox");
    const { unread, label } = fresh.dataset;
    if (!shown) this.#content.replaceChildren(fresh);
    else for (const part of fresh.querySelectorAll("[data-part]")) update(shown.querySelector(`[data-part=${part.dataset.part}]`), part);
    if (this.#bell) {
      this.#bell.ariaLabel = this.#content.ariaLabel = label;
      this.#bell.querySelector(".count").textContent = unread > 99 ? "99+" : unread > 0 ? unread : "";
    }
    this.dispatchEvent(new CustomEvent("unread", { detail: Number(unread) }));
  }

  #submit(event) {
    const form = event.target;
    event.preventDefault();
    if (form.dataset.act) this.#act(form.dataset.act);
    else this.#go(`?${new URLSearchParams(new FormData(form))}`, true);
  }

  #click(event) {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#go(new URL(link.href).search, true);
  }

  #go(query, remember = false) {
    this.#query = query;
    if (remember && !this.#bell) history.pushState(null, "", query || location.pathname);
    this.#refresh();
  }

  #opened(target) {
    if (target.matches("details[open][data-unread]")) this.#act(`inbox/${target.id}/read`);
  }

  async #act(path) {
    await this.#ask(`api/${path}`, { method: "POST" }).catch(() => null);
    this.#refresh();
  }

  #key(event) {
    const messages = [...this.#content.querySelectorAll("summary")];
    const at = messages.indexOf(event.target);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: messages.length - 1 }[event.key];
    if (event.key === "Delete") this.#act(`inbox/${event.target.parentElement.id}/archive`);
    else if (to === undefined) return;
    event.preventDefault();
    messages[to]?.focus();
  }
}

// Takes over what is new in a part; what is open stays open, and the focus where it was or nearest to it.
function update(shown, fresh) {
  for (const details of shown.querySelectorAll("details[open]")) fresh.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
  if (shown.innerHTML === fresh.innerHTML) return;
  const focused = shown.getRootNode().activeElement;
  const stops = (part) => [...part.querySelectorAll("summary, a")];
  const stop = focused?.closest("details")?.firstElementChild ?? focused;
  const at = stops(shown).indexOf(stop);
  const { id } = stop?.parentElement ?? {};
  shown.replaceChildren(...fresh.childNodes);
  if (at < 0) return;
  const same = id && shown.querySelector(`#${CSS.escape(id)} > summary`);
  (same || stops(shown)[Math.min(at, stops(shown).length - 1)])?.focus();
}

customElements.define("tenure-inbox", TenureInbox);
