// Keeps the page up to date: asks for it again, and puts in the parts that have changed. Without
// this script everything is there too, as of when the page was loaded.
"use strict";

(() => {
  const EVERY = 5000;
  const PATIENCE = 15000;
  const OLD = "Not up to date: ";
  const live = document.getElementById("live");
  const stale = document.getElementById("stale");
  let timer = 0;
  let last = live.textContent;

  // Where the focus is within a part: by id, or as the nth thing in it that can have the focus.
  const CAN_FOCUS = "a[href], button, input, select, summary, [tabindex]";

  function place(part) {
    const focused = document.activeElement;
    if (!focused || !part.contains(focused)) return null;
    return { id: focused.id, nth: [...part.querySelectorAll(CAN_FOCUS)].indexOf(focused) };
  }

  function focusAgain(part, where) {
    if (!where) return;
    const found = where.id ? document.getElementById(where.id) : part.querySelectorAll(CAN_FOCUS)[where.nth];
    if (found) found.focus({ preventScroll: true });
  }

  function selecting(part) {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && selection.containsNode(part, true);
  }

  // Swaps what is inside, so that a part stays the same element; keeps focus, open details, and how
  // far tables are scrolled.
  function put(part, fresh) {
    if (part.innerHTML === fresh.innerHTML || selecting(part)) return;
    const where = place(part);
    const opened = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
    const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    part.replaceChildren(...fresh.childNodes);
    for (const id of opened) {
      const again = document.getElementById(id);
      if (again) again.open = true;
    }
    part.querySelectorAll(".scroll").forEach((one, nth) => { one.scrollLeft = scrolled[nth] || 0; });
    focusAgain(part, where);
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const main = document.getElementById("main");
    const old = [...main.querySelectorAll("[data-live]")];
    const parts = [...fresh.querySelectorAll("[data-live]")];
    if (old.map((one) => one.id).join() !== parts.map((one) => one.id).join()) {
      // A part came or went.
      put(main, fresh.getElementById("main"));
    } else {
      old.forEach((part, nth) => put(part, parts[nth]));
      const banner = document.getElementById("now");
      if (banner) banner.className = fresh.getElementById("now").className;
      const headline = document.getElementById("headline");
      if (headline) {
        // Read out only when it says something else.
        const now = fresh.getElementById("headline");
        if (headline.textContent !== now.textContent) put(headline, now);
      }
    }
    document.title = fresh.title;
    last = fresh.getElementById("live").textContent;
    live.textContent = `${last} Updated as it happens.`;
    stale.textContent = "";
  }

  // Nobody shall take an old page for the truth: said in sight, wherever one is, and once aloud.
  function warn(why) {
    const text = `${OLD}${why}. ${last}`;
    if (stale.textContent !== text) stale.textContent = text;
    if (!document.title.startsWith(OLD)) document.title = OLD + document.title;
    live.textContent = last;
    const banner = document.getElementById("now");
    if (banner) banner.className = "banner banner-old";
    // What counts down does so no more.
    document.querySelectorAll("[data-old]").forEach((one) => { one.textContent = one.dataset.old; });
  }

  async function look() {
    try {
      const answer = await fetch(location.href, {
        headers: { Accept: "text/html" },
        cache: "no-store",
        credentials: "same-origin",
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (answer.ok) show(await answer.text());
      else warn(`chaosd answers ${answer.status}`);
    } catch (error) {
      warn("chaosd does not answer");
    }
    again();
  }

  function again() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, EVERY);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) look();
  });
  again();
})();
