// A recording of statements or requests as a table that grows while it is played. Texts stay texts: nothing here becomes markup.
"use strict";
(() => {
  const MOST_ROWS = 200; // of one result that are drawn
  const MOST = 20000; // lines of the table
  const VERDICTS = new Set(["allow", "mask", "hold", "deny"]);

  function made(kind, text, name) {
    const element = document.createElement(kind);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  }
  function stamp(at) {
    const seconds = Math.floor(at / 1000);
    const rest = String(at % 1000).padStart(3, "0");
    return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}.${rest}`;
  }
  function result() {
    const details = made("details");
    const body = made("tbody");
    const head = made("thead");
    const table = made("table", undefined, "rows");
    table.append(head, body);
    const scroll = made("div", undefined, "scroll");
    scroll.append(table);
    details.append(made("summary", "what the client got"), scroll);
    details.open = true;
    return { details, head, body, text: null, count: 0 };
  }

  globalThis.exchangeTable = (body) => {
    let open = new Map();
    function asked(at, line) {
      const row = made("tr");
      const verdict = VERDICTS.has(line.verdict) ? line.verdict : "none";
      const said = made("td");
      said.append(made("span", line.verdict, `verdict verdict-${verdict}`));
      const what = made("td", undefined, "wrap grow");
      const text = made("pre", line.text, "statement");
      what.append(text);
      const beside = [line.protocol, ...line.rules, line.ticket && `ticket ${line.ticket}`, line.prepares && "only prepared"];
      what.append(made("p", beside.filter(Boolean).join(" · "), "muted small"));
      if (line.parameters.length) {
        const values = line.parameters.map((one, number) => `$${number + 1} = ${one === null ? "NULL" : one}`);
        what.append(made("p", values.join(", "), "mono small"));
      }
      const became = made("td", "", "small");
      row.append(made("td", stamp(at), "mono small"), said, what, became);
      body.append(row);
      open.set(line.id, { what, text, became, result: null });
    }
    function shown(entry, line) {
      const here = entry.result || (entry.result = result());
      if (!here.details.isConnected) entry.what.append(here.details);
      if (line.columns.length) {
        const row = made("tr");
        row.append(...line.columns.map((one) => made("th", one)));
        here.head.replaceChildren(row);
      }
      for (const cells of line.rows.slice(0, Math.max(0, MOST_ROWS - here.count))) {
        const row = made("tr");
        row.append(...cells.map((one) => made("td", one, "mono small")));
        here.body.append(row);
        here.count += 1;
      }
      if (line.text) {
        if (!here.text) here.details.append((here.text = made("pre", "", "statement")));
        here.text.textContent += line.text;
      }
      if (line.cut) here.details.append(made("p", "The rest was not recorded.", "muted small"));
    }
    return {
      reset() {
        body.replaceChildren();
        open = new Map();
      },
      take(at, line) {
        const entry = open.get(line.id);
        if (line.is === "asked" && body.children.length < MOST) asked(at, line);
        else if (!entry) return;
        else if (line.is === "more") entry.text.textContent += line.text;
        else if (line.is === "shown") shown(entry, line);
        else if (line.is === "done") {
          entry.became.textContent = line.became;
          if (line.failed) entry.became.classList.add("failed");
        }
      },
    };
  };
})();
