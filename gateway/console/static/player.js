// Plays recordings: a small terminal that draws text and colours and knows nothing else, and what is needed to move in time.
// Recordings of statements are a table in place of the terminal (`table.js`).
// Whatever was recorded ends up as text of the page, never as markup; sequences that are not known here do nothing.
"use strict";
(() => {
  const player = document.getElementById("player");
  if (!player) return;
  const screen = player.querySelector("[data-screen]");
  const bar = player.querySelector("[data-bar]");
  const clock = player.querySelector("[data-clock]");
  const button = player.querySelector("[data-play]");
  const speeds = player.querySelector("[data-speed]");
  const idle = player.querySelector("[data-idle]");
  const said = player.querySelector("[data-said]");
  const list = document.getElementById("decisions");
  const body = player.querySelector("[data-table]");
  const table = body && exchangeTable(body);
  const LONGEST_PAUSE = 2000;
  const MOST = 48 * 1024 * 1024; // characters kept here
  const EVERY = 1024 * 1024; // characters between two places that can be gone back to
  const MAX_SIDE = 500;

  // --- a terminal ---------------------------------------------------------------------------------------------------------
  const PLAIN = Object.freeze({ fg: -1, bg: -1, bold: false, dim: false, italic: false, under: false, inverse: false, strike: false });
  const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e\ud840-\ud87f][\udc00-\udfff]/;
  const MARK = /^\p{Mn}|\p{Me}$/u;
  const LINES = { j: "┘", k: "┐", l: "┌", m: "└", n: "┼", q: "─", t: "├", u: "┤", v: "┴", w: "┬", x: "│", a: "▒", "`": "◆", o: "⎺", s: "⎽", "~": "·" };

  function fresh(columns, rows) {
    return {
      columns, rows, x: 0, y: 0, look: PLAIN, top: 0, bottom: rows - 1, wraps: true, wrapping: false, cursor: true,
      lines: Array.from({ length: rows }, () => []), saved: null, other: null, drawing: false, rest: "",
    };
  }
  function copied(t) {
    const lines = (from) => from.map((line) => line.slice());
    return { ...t, lines: lines(t.lines), other: t.other && { ...t.other, lines: lines(t.other.lines) }, saved: t.saved && { ...t.saved } };
  }
  const within = (value, low, high) => Math.max(low, Math.min(high, value));

  function scroll(t, count) {
    const size = t.bottom - t.top + 1;
    for (let done = 0; done < Math.min(Math.abs(count), size); done += 1) {
      if (count > 0) {
        t.lines.splice(t.top, 1);
        t.lines.splice(t.bottom, 0, []);
      } else {
        t.lines.splice(t.bottom, 1);
        t.lines.splice(t.top, 0, []);
      }
    }
  }
  function down(t) {
    if (t.y === t.bottom) scroll(t, 1);
    else if (t.y < t.rows - 1) t.y += 1;
  }
  function put(t, char) {
    const line = t.lines[t.y];
    if (MARK.test(char)) {
      const before = line[Math.max(0, t.x - 1)];
      if (before && before.text.length < 8) line[Math.max(0, t.x - 1)] = { text: before.text + char, look: before.look };
      return;
    }
    const width = WIDE.test(char) ? 2 : 1;
    if (t.wrapping || t.x + width > t.columns) {
      if (t.wraps) {
        t.x = 0;
        down(t);
      } else t.x = Math.max(0, t.columns - width);
      t.wrapping = false;
    }
    const here = t.lines[t.y];
    while (here.length < t.x) here.push({ text: " ", look: PLAIN });
    here[t.x] = { text: (t.drawing && LINES[char]) || char, look: t.look };
    if (width === 2) here[t.x + 1] = { text: "", look: t.look };
    t.x += width;
    if (t.x >= t.columns) {
      t.x = t.columns - 1;
      t.wrapping = true;
    }
  }
  function blank(t, line, from, to) {
    const empty = t.look.bg === -1 ? { text: " ", look: PLAIN } : { text: " ", look: { ...PLAIN, bg: t.look.bg } };
    while (line.length < to) line.push({ text: " ", look: PLAIN });
    for (let place = from; place < to; place += 1) line[place] = empty;
  }
  function resize(t, columns, rows) {
    while (t.lines.length < rows) t.lines.push([]);
    while (t.lines.length > rows) {
      if (t.y > 0 && t.y >= rows - 1) {
        t.lines.shift();
        t.y -= 1;
      } else t.lines.pop();
    }
    for (const line of t.lines) line.length = Math.min(line.length, columns);
    Object.assign(t, { columns, rows, top: 0, bottom: rows - 1, x: within(t.x, 0, columns - 1), y: within(t.y, 0, rows - 1), other: null, wrapping: false });
  }

  function paint(t, codes) {
    let look = { ...t.look };
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at];
      if (code === 0) look = { ...PLAIN };
      else if (code === 1) look.bold = true;
      else if (code === 2) look.dim = true;
      else if (code === 3) look.italic = true;
      else if (code === 4) look.under = true;
      else if (code === 7) look.inverse = true;
      else if (code === 9) look.strike = true;
      else if (code === 22) look.bold = look.dim = false;
      else if (code === 23) look.italic = false;
      else if (code === 24) look.under = false;
      else if (code === 27) look.inverse = false;
      else if (code === 29) look.strike = false;
      else if (code >= 30 && code <= 37) look.fg = code - 30;
      else if (code === 39) look.fg = -1;
      else if (code >= 40 && code <= 47) look.bg = code - 40;
      else if (code === 49) look.bg = -1;
      else if (code >= 90 && code <= 97) look.fg = code - 82;
      else if (code >= 100 && code <= 107) look.bg = code - 92;
      else if (code === 38 || code === 48) {
        const which = code === 38 ? "fg" : "bg";
        if (codes[at + 1] === 5) {
          look[which] = within(codes[at + 2] || 0, 0, 255);
          at += 2;
        } else if (codes[at + 1] === 2) {
          const [red, green, blue] = [2, 3, 4].map((more) => within(codes[at + more] || 0, 0, 255));
          look[which] = 256 + red * 65536 + green * 256 + blue;
          at += 4;
        }
      }
    }
    t.look = look;
  }

  function sequence(t, body, last) {
    const isOurs = body.startsWith("?");
    const codes = body.replace(/[^0-9;:]/g, "").split(/[;:]/).map((part) => Math.min(Number(part || 0), 65535));
    const first = codes[0];
    const count = Math.max(1, first);
    const line = t.lines[t.y];
    t.wrapping = false;
    switch (last) {
      case "m": if (!isOurs) paint(t, codes); break;
      case "A": t.y = Math.max(0, t.y - count); break;
      case "B": case "e": t.y = Math.min(t.rows - 1, t.y + count); break;
      case "C": case "a": t.x = Math.min(t.columns - 1, t.x + count); break;
      case "D": t.x = Math.max(0, t.x - count); break;
      case "E": t.x = 0; t.y = Math.min(t.rows - 1, t.y + count); break;
      case "F": t.x = 0; t.y = Math.max(0, t.y - count); break;
      case "G": case "`": t.x = within(count - 1, 0, t.columns - 1); break;
      case "d": t.y = within(count - 1, 0, t.rows - 1); break;
      case "H": case "f":
        t.y = within(count - 1, 0, t.rows - 1);
        t.x = within(Math.max(1, codes[1] || 1) - 1, 0, t.columns - 1);
        break;
      case "J":
        if (first === 0) {
          blank(t, line, t.x, t.columns);
          for (let row = t.y + 1; row < t.rows; row += 1) t.lines[row] = [];
        } else if (first === 1) {
          for (let row = 0; row < t.y; row += 1) t.lines[row] = [];
          blank(t, line, 0, t.x + 1);
        } else t.lines = t.lines.map(() => []);
        break;
      case "K": blank(t, line, first === 0 ? t.x : 0, first === 1 ? t.x + 1 : t.columns); break;
      case "L": case "M": {
        if (t.y < t.top || t.y > t.bottom) break;
        const top = t.top;
        t.top = t.y;
        scroll(t, last === "L" ? -count : count);
        t.top = top;
        break;
      }
      case "P": line.splice(t.x, count); break;
      case "@":
        for (let more = 0; more < Math.min(count, t.columns); more += 1) line.splice(t.x, 0, { text: " ", look: PLAIN });
        line.length = Math.min(line.length, t.columns);
        break;
      case "X": blank(t, line, t.x, Math.min(t.columns, t.x + count)); break;
      case "S": scroll(t, count); break;
      case "T": scroll(t, -count); break;
      case "r": {
        const top = within(count - 1, 0, t.rows - 1);
        const bottom = within((codes[1] || t.rows) - 1, 0, t.rows - 1);
        if (top < bottom) Object.assign(t, { top, bottom, x: 0, y: 0 });
        break;
      }
      case "s": t.saved = { x: t.x, y: t.y, look: t.look }; break;
      case "u": if (t.saved) Object.assign(t, { x: within(t.saved.x, 0, t.columns - 1), y: within(t.saved.y, 0, t.rows - 1), look: t.saved.look }); break;
      case "h": case "l": if (isOurs) mode(t, first, last === "h"); break;
      default: break; // nothing else does anything
    }
  }
  function mode(t, code, isOn) {
    if (code === 7) t.wraps = isOn;
    else if (code === 25) t.cursor = isOn;
    else if ((code === 47 || code === 1047 || code === 1049) && isOn !== Boolean(t.other)) {
      if (isOn) {
        t.other = { lines: t.lines, x: t.x, y: t.y };
        t.lines = Array.from({ length: t.rows }, () => []);
      } else {
        Object.assign(t, t.other, { other: null });
      }
      t.x = within(t.x, 0, t.columns - 1);
      t.y = within(t.y, 0, t.rows - 1);
      Object.assign(t, { top: 0, bottom: t.rows - 1 });
    }
  }
  function escape(t, char) {
    if (char === "7") sequence(t, "", "s");
    else if (char === "8") sequence(t, "", "u");
    else if (char === "D") down(t);
    else if (char === "E") {
      t.x = 0;
      down(t);
    } else if (char === "M") {
      if (t.y === t.top) scroll(t, -1);
      else t.y = Math.max(0, t.y - 1);
    }
  }

  const SEQUENCE = /^\x1b(?:\[([0-9;:?]{0,60})([@-~])|\(([B0])|([78DEM]))/;
  const OPEN = /^\x1b(?:\[[0-9;:?]{0,60}|\()?$/;
  function write(t, text) {
    const all = t.rest + text;
    t.rest = "";
    let at = 0;
    while (at < all.length) {
      const char = all[at];
      if (char === "\x1b") {
        const part = all.slice(at, at + 70);
        const found = SEQUENCE.exec(part);
        if (!found) {
          if (OPEN.test(part)) {
            t.rest = part;
            return;
          }
          at += 1;
          continue;
        }
        if (found[2]) sequence(t, found[1], found[2]);
        else if (found[3]) t.drawing = found[3] === "0";
        else escape(t, found[4]);
        at += found[0].length;
        continue;
      }
      if (char === "\n") {
        t.wrapping = false;
        down(t);
      } else if (char === "\r") {
        t.wrapping = false;
        t.x = 0;
      } else if (char === "\b") {
        t.wrapping = false;
        t.x = Math.max(0, t.x - 1);
      } else if (char === "\t") t.x = Math.min(t.columns - 1, (Math.floor(t.x / 8) + 1) * 8);
      else if (char >= " " && (char < "\x7f" || char > "\x9f")) {
        const whole = String.fromCodePoint(all.codePointAt(at));
        put(t, whole);
        at += whole.length;
        continue;
      }
      at += 1;
    }
  }

  // --- on the page ----------------------------------------------------------------------------------------------------------
  const CUBE = [0, 95, 135, 175, 215, 255];
  function colour(number) {
    if (number >= 256) {
      const value = number - 256;
      return `rgb(${value >> 16}, ${(value >> 8) & 255}, ${value & 255})`;
    }
    if (number >= 232) {
      const grey = 8 + (number - 232) * 10;
      return `rgb(${grey}, ${grey}, ${grey})`;
    }
    const cube = number - 16;
    return `rgb(${CUBE[Math.floor(cube / 36)]}, ${CUBE[Math.floor(cube / 6) % 6]}, ${CUBE[cube % 6]})`;
  }
  function dressed(run, look) {
    const span = document.createElement("span");
    span.textContent = run;
    const [fg, bg] = look.inverse ? [look.bg === -1 ? -3 : look.bg, look.fg === -1 ? -2 : look.fg] : [look.fg, look.bg];
    const classes = [];
    if (fg >= 0 && fg < 16) classes.push(`fg${fg}`);
    else if (fg >= 16) span.style.color = colour(fg);
    else if (fg === -3) classes.push("fg-back");
    if (bg >= 0 && bg < 16) classes.push(`bg${bg}`);
    else if (bg >= 16) span.style.backgroundColor = colour(bg);
    else if (bg === -2) classes.push("bg-front");
    for (const name of ["bold", "dim", "italic", "under", "strike"]) if (look[name]) classes.push(name);
    span.className = classes.join(" ");
    return span;
  }
  const PLACE = Object.freeze({ ...PLAIN, inverse: true });
  function draw(t) {
    const rows = document.createDocumentFragment();
    for (let y = 0; y < t.rows; y += 1) {
      const row = document.createElement("div");
      const line = t.lines[y];
      const length = t.cursor && y === t.y ? Math.max(line.length, t.x + 1) : line.length;
      let run = "";
      let look = null;
      for (let x = 0; x < length; x += 1) {
        const cell = line[x] || { text: " ", look: PLAIN };
        const here = t.cursor && y === t.y && x === t.x ? PLACE : cell.look;
        if (look !== here && run) {
          row.append(dressed(run, look));
          run = "";
        }
        look = here;
        run += cell.text;
      }
      if (run) row.append(dressed(run, look));
      if (!length) row.append(" ");
      rows.append(row);
    }
    screen.replaceChildren(rows);
  }

  // --- in time --------------------------------------------------------------------------------------------------------------
  const columns = within(Number(player.dataset.columns) || 80, 2, MAX_SIDE);
  const rows = within(Number(player.dataset.rows) || 24, 2, MAX_SIDE);
  const events = [];
  const places = []; // {index, terminal}: where going back may begin
  let terminal = fresh(columns, rows);
  let index = 0;
  let now = 0;
  let length = 0;
  let isPlaying = false;
  let since = 0;
  let size = 0;
  let isWhole = false;
  let last = null;

  function happen(event) {
    const [, code, data] = event;
    if (code === "o") {
      write(terminal, data);
      since += data.length;
    } else if (code === "r") {
      const found = /^([0-9]{1,4})x([0-9]{1,4})$/.exec(data);
      if (found) resize(terminal, within(Number(found[1]), 2, MAX_SIDE), within(Number(found[2]), 2, MAX_SIDE));
    } else if (code === "e" && table) table.take(event[0], JSON.parse(data));
  }
  function forward(until) {
    while (index < events.length && events[index][0] <= until) {
      happen(events[index]);
      index += 1;
      if (since > EVERY && (!places.length || places[places.length - 1].index < index)) {
        places.push({ index, terminal: copied(terminal) });
        since = 0;
      }
    }
  }
  function seek(to) {
    const target = within(to, 0, length);
    if (target < now) {
      const place = places.filter((one) => events[one.index - 1][0] <= target).pop();
      terminal = place ? copied(place.terminal) : fresh(columns, rows);
      index = place ? place.index : 0;
      if (table) table.reset();
    }
    now = target;
    forward(now);
    show();
  }
  const two = (value) => String(value).padStart(2, "0");
  function words(ms) {
    const seconds = Math.floor(ms / 1000);
    const hours = Math.floor(seconds / 3600);
    return `${hours ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }
  function show() {
    if (!table) draw(terminal);
    bar.max = String(Math.max(1, length));
    bar.value = String(Math.round(now));
    bar.setAttribute("aria-valuetext", `${words(now)} of ${words(length)}`);
    clock.textContent = `${words(now)} / ${words(length)}${isWhole ? "" : " …"}`;
    button.textContent = isPlaying ? "Pause" : "Play";
    if (list) for (const item of list.children) item.classList.toggle("past", Number(item.dataset.at) <= now);
  }
  function tick(stamp) {
    if (!isPlaying) return;
    if (last !== null) {
      now += (stamp - last) * Number(speeds.value);
      const next = events[index];
      if (idle.checked && next && next[0] - now > LONGEST_PAUSE * Number(speeds.value)) now = next[0] - LONGEST_PAUSE * Number(speeds.value);
    }
    last = stamp;
    if (now >= length && isWhole) {
      now = length;
      play(false);
    }
    now = Math.min(now, length);
    forward(now);
    show();
    if (isPlaying) requestAnimationFrame(tick);
  }
  function play(isOn) {
    if (isOn && isWhole && now >= length) seek(0);
    isPlaying = isOn;
    last = null;
    show();
    if (isOn) requestAnimationFrame(tick);
  }

  // --- by hand --------------------------------------------------------------------------------------------------------------
  button.addEventListener("click", () => play(!isPlaying));
  bar.addEventListener("input", () => seek(Number(bar.value)));
  const faster = (by) => {
    speeds.selectedIndex = within(speeds.selectedIndex + by, 0, speeds.options.length - 1);
  };
  const KEYS = {
    " ": () => play(!isPlaying),
    ArrowLeft: () => seek(now - 5000),
    ArrowRight: () => seek(now + 5000),
    Home: () => seek(0),
    End: () => seek(length),
    "<": () => faster(-1),
    ">": () => faster(1),
  };
  document.addEventListener("keydown", (event) => {
    const here = event.target;
    const isOwn = here.closest && here.closest("a, button, select, textarea, summary, input:not([type=range])");
    if (isOwn || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  function decision(event) {
    if (!list || list.children.length >= 2000) return;
    const item = document.createElement("li");
    item.dataset.at = String(event[0]);
    const link = document.createElement("button");
    link.type = "button";
    link.textContent = words(event[0]);
    link.addEventListener("click", () => seek(event[0]));
    const text = document.createElement("span");
    text.textContent = event[2].length > 300 ? `${event[2].slice(0, 300)}…` : event[2];
    item.append(link, " ", text);
    list.append(item);
  }

  // --- what there is ----------------------------------------------------------------------------------------------------------
  function tell(text) {
    said.textContent = text;
    said.hidden = !text;
  }
  function load(chunk, at) {
    const call = new XMLHttpRequest();
    call.open("GET", `${player.dataset.events}?chunk=${chunk}&at=${at}`);
    call.responseType = "json";
    call.onloadend = () => {
      const found = call.status === 200 ? call.response : null;
      if (!found || !Array.isArray(found.events)) {
        isWhole = true;
        tell("It could not be loaded any further. Load the page again.");
        return;
      }
      for (const event of found.events) {
        events.push(event);
        size += event[2].length;
        if (event[1] === "g") decision(event);
      }
      if (events.length) length = events[events.length - 1][0];
      isWhole = found.next === null || size > MOST;
      if (found.trouble) tell(`It ends here: ${found.trouble}`);
      else if (found.next !== null && isWhole) tell("It is too long to be played here to its end; `sallyport play` shows all of it.");
      if (chunk === 0) forward(now);
      show();
      player.dataset.state = isWhole ? "whole" : "loading";
      if (!isWhole) load(found.next, found.at);
    };
    call.send();
  }
  player.hidden = false;
  show();
  load(0, 0);
})();
