// What makes pages live: asks for the page again when the gateway says that something changed, and puts what is new in its
// place. What somebody is writing stays. Without this script every page works; it only stands still.
"use strict";
(() => {
  const live = document.getElementById("live");
  const topic = live && live.dataset.topic;
  const SLOWEST = topic === "holds" ? 0 : 1000;

  // --- how much time is left ---------------------------------------------------------------------------------------
  const born = new WeakMap();
  function words(seconds) {
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
    return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  }
  function count() {
    for (const place of document.querySelectorAll("[data-left]")) {
      if (!born.has(place)) born.set(place, performance.now());
      const left = Math.max(0, Number(place.dataset.left) - Math.floor((performance.now() - born.get(place)) / 1000));
      const shown = place.querySelector("span");
      if (shown) shown.textContent = words(left);
      const card = place.closest(".hold");
      if (card && left < 60) card.classList.add("ending");
    }
  }
  count();
  setInterval(count, 1000);

  // --- one click, once -----------------------------------------------------------------------------------------------
  let quiet = 0;
  function isRepeated(form) {
    if (form.dataset.sent) return true;
    form.dataset.sent = "yes";
    return false;
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (isUnsettled(event.submitter)) {
      event.preventDefault();
      tell(form, "This came under the pointer just as you clicked. Look again, then decide.");
    } else if (isRepeated(form)) event.preventDefault();
    else if (topic && form.classList.contains("decide") && event.submitter) {
      // Without leaving the page: the answer is there sooner, and what is written about other commands stays.
      event.preventDefault();
      decide(form, event.submitter);
    }
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
  function decide(form, button) {
    quiet = performance.now() + 300; // the answer brings the page; what waits for it goes first
    const call = new XMLHttpRequest();
    call.open("POST", button.formAction);
    call.responseType = "document";
    call.onloadend = () => {
      const fresh = call.response;
      if (fresh && call.status === 200 && fresh.getElementById("live")) {
        // As if the browser had gone there: asked for again, the page says the same.
        history.replaceState(null, "", call.responseURL);
        put(fresh);
      } else {
        delete form.dataset.sent;
        const said = fresh && fresh.querySelector("main h1 + p");
        tell(form, said ? said.textContent : "The gateway did not answer. Look again before you decide once more.");
      }
    };
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) fields.append(name, value);
    if (button.name) fields.append(button.name, button.value);
    call.send(fields);
  }
  function tell(form, said) {
    const known = form.parentNode.querySelector(".problem");
    const place = known || document.createElement("p");
    place.className = "problem";
    place.setAttribute("role", "alert");
    place.textContent = said;
    if (!known) form.before(place);
  }

  // --- under the pointer ------------------------------------------------------------------------------------------------
  // A press ends on the button that it began on: the page stands still meanwhile. And a button that only now came to lie under
  // the pointer is not what somebody aimed at.
  const SETTLES = 500;
  const LONGEST_PRESS = 3000;
  let pointer = null;
  let isPressed = false;
  let held = null;
  let settled = 0;
  function decision(button) {
    return `${button.formAction} ${button.value}`;
  }
  function aimed() {
    const place = pointer && document.elementFromPoint(pointer.clientX, pointer.clientY);
    const button = place && place.closest("form.decide button");
    return button ? decision(button) : "";
  }
  function isUnsettled(button) {
    return Boolean(button) && performance.now() < settled && aimed() === decision(button);
  }
  function release() {
    // Behind the click that the press becomes.
    setTimeout(() => {
      isPressed = false;
      const fresh = held;
      held = null;
      if (fresh) put(fresh);
    }, 0);
  }
  let longest = 0;
  window.addEventListener(
    "pointerdown",
    (event) => {
      pointer = event;
      isPressed = true;
      clearTimeout(longest);
      longest = setTimeout(release, LONGEST_PRESS);
    },
    true,
  );
  window.addEventListener("pointermove", (event) => (pointer = event), { capture: true, passive: true });
  for (const name of ["pointerup", "pointercancel", "dragend"]) window.addEventListener(name, release, true);
  window.addEventListener("blur", release); // the window's own: a field that loses the focus to the button is no end of the press

  if (!topic) return;

  // What is written about a command stays when more is known of it.
  let twin = null;
  function keep(card) {
    const old = [...live.querySelectorAll("[data-key]")].find((one) => one.dataset.key === card.dataset.key);
    const before = old && old.querySelector("input[name=reason]");
    const after = card.querySelector("input[name=reason]");
    if (!before || !after) return;
    after.value = before.value;
    if (before === document.activeElement) twin = after;
  }

  // --- what is new ------------------------------------------------------------------------------------------------------
  function put(fresh) {
    if (isPressed) {
      held = fresh;
      return;
    }
    const next = fresh.getElementById("live");
    if (!next) {
      location.reload(); // somebody was signed out
      return;
    }
    const kept = new Map();
    for (const old of live.querySelectorAll("[data-key]")) kept.set(`${old.dataset.key} ${old.dataset.version}`, old);
    const known = new Set([...live.querySelectorAll("[data-key]")].map((old) => old.dataset.key));
    const focused = document.activeElement;
    const before = aimed();
    twin = null;
    const made = document.importNode(next, true);
    for (const one of made.querySelectorAll("[data-key]")) {
      const old = kept.get(`${one.dataset.key} ${one.dataset.version}`);
      if (old) one.replaceWith(old);
      else if (!known.has(one.dataset.key)) one.classList.add("fresh");
      else keep(one);
    }
    live.replaceChildren(...made.childNodes);
    const again = focused && !live.contains(focused) ? twin : focused;
    if (again && again !== document.activeElement && live.contains(again)) again.focus({ preventScroll: true });
    const after = aimed();
    if (after && after !== before) settled = performance.now() + SETTLES;
    const now = fresh.getElementById("waiting");
    const shown = document.getElementById("waiting");
    if (now && shown) shown.replaceWith(document.importNode(now, true));
    document.title = fresh.title;
    count();
  }

  let isAsking = false;
  let isWanted = false;
  let last = 0;
  function look() {
    if (isAsking) {
      isWanted = true;
      return;
    }
    isAsking = true;
    isWanted = false;
    const wait = Math.max(0, last + SLOWEST - performance.now(), quiet - performance.now());
    setTimeout(() => {
      last = performance.now();
      const call = new XMLHttpRequest();
      call.open("GET", location.pathname + location.search);
      call.responseType = "document";
      call.timeout = 10000;
      call.setRequestHeader("X-Sallyport-Live", "1");
      call.onloadend = () => {
        isAsking = false;
        if (call.response) put(call.response);
        if (isWanted) look();
      };
      call.send();
    }, wait);
  }

  // --- hearing of it ------------------------------------------------------------------------------------------------------
  const pulse = document.getElementById("pulse");
  const word = document.getElementById("pulse-word");
  function say(text, isLost) {
    if (!pulse || !word) return;
    pulse.hidden = false;
    pulse.classList.toggle("lost", isLost);
    word.textContent = text;
  }
  const source = new EventSource(`/events?topic=${encodeURIComponent(topic)}`);
  source.addEventListener("open", () => say("live", false));
  // Also once at its beginning: something may have happened since the page was made.
  source.addEventListener("change", look);
  source.addEventListener("error", () => {
    say(source.readyState === EventSource.CLOSED ? "not live: load the page again" : "not live, trying", true);
  });
  window.addEventListener("pagehide", () => source.close());
})();
