"use strict";
// The page's behaviour: charts drawn when they come near, tables sorted and filtered. Without it the page is complete in words.
(() => {
  const root = document.documentElement;
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  // --- charts -------------------------------------------------------------------------------------------------------------
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const drawn = new Set();

  async function library() {
    const packed = atob(document.getElementById("plotly").textContent);
    const bytes = new Uint8Array(packed.length);
    for (let at = 0; at < packed.length; at += 1) bytes[at] = packed.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const element = document.createElement("script");
    element.textContent = await new Response(stream).text();
    document.head.append(element);
    if (!window.Plotly) throw new Error("the library of charts did not start");
  }

  // Colours stand in figures as names of the palette, and only where a colour may stand: text is never taken for one.
  function coloured(value, styles, inColour) {
    if (typeof value === "string") {
      return inColour && /^@[a-z0-9-]+$/.test(value) ? styles.getPropertyValue("--" + value.slice(1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, styles, inColour));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, coloured(item, styles, inColour || /color(scale)?$/.test(key))]),
    );
  }

  function draw(node) {
    const styles = getComputedStyle(root);
    const named = (name) => styles.getPropertyValue("--" + name).trim();
    const figure = coloured(figures[node.dataset.chart], styles, false);
    const axis = {
      gridcolor: named("grid"), linecolor: named("line"), zerolinecolor: named("line"), fixedrange: true,
      tickfont: { color: named("quiet"), size: 11 }, automargin: true,
    };
    const title = { font: { color: named("quiet"), size: 12 }, standoff: 8 };
    const given = figure.layout;
    const layout = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, dragmode: false,
      margin: { l: 52, r: 16, t: 12, b: 36 }, hoverlabel: { bgcolor: named("ink"), bordercolor: named("ink"), font: { color: named("paper") } },
      ...given,
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: named("ink") },
      xaxis: { ...axis, ...given.xaxis, title: { ...title, ...(given.xaxis || {}).title } },
      yaxis: { ...axis, ...given.yaxis, title: { ...title, ...(given.yaxis || {}).title } },
    };
    drawn.add(node);
    return window.Plotly.react(node, figure.data, layout, { displayModeBar: false, responsive: true });
  }

  function charts() {
    const nodes = all("[data-chart]");
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        observer.unobserve(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "800px 0px" });
    nodes.forEach((node) => observer.observe(node));
    const again = () => drawn.forEach((node) => draw(node));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    addEventListener("beforeprint", () => {
      root.dataset.print = "";
      all("details:not([open])").forEach((node) => { node.open = true; node.dataset.opened = ""; });
      nodes.forEach((node) => draw(node));
    });
    addEventListener("afterprint", () => {
      delete root.dataset.print;
      all("details[data-opened]").forEach((node) => { node.open = false; delete node.dataset.opened; });
      again();
    });
  }

  // --- tables -------------------------------------------------------------------------------------------------------------
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = all("thead th", table);
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const numeric = body.rows[0].cells[column].dataset.sort !== undefined;
      const first = numeric ? "descending" : "ascending";
      const second = numeric ? "ascending" : "descending";
      const now = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", now);
      const sign = now === "ascending" ? 1 : -1;
      const keyed = [...body.rows].map((row) => {
        const cell = row.cells[column];
        return [numeric ? Number(cell.dataset.sort) : cell.textContent.trim(), row];
      });
      keyed.sort(([one], [other]) => sign * (numeric ? one - other : order.compare(one, other)));
      body.append(...keyed.map(([, row]) => row));
    }));
  }

  function filterable(input) {
    const things = all(input.dataset.filter).map((node) => [node, node.textContent.toLowerCase()]);
    const output = input.parentElement.querySelector("output");
    const apply = () => {
      const asked = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const [node, text] of things) {
        node.hidden = !asked.every((word) => text.includes(word));
        left += node.hidden ? 0 : 1;
      }
      output.textContent = asked.length ? `${left.toLocaleString("en")} of ${things.length.toLocaleString("en")} ${input.dataset.noun}` : "";
    };
    input.addEventListener("input", apply);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      input.value = "";
      apply();
    });
    input.parentElement.hidden = false;
    // A link to something that a filter hides shows it again.
    addEventListener("hashchange", () => {
      const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (!target || !target.hidden) return;
      input.value = "";
      apply();
      target.scrollIntoView();
    });
  }

  all("table.sortable").forEach(sortable);
  all("input[data-filter]").forEach(filterable);

  library().then(() => {
    root.classList.add("js");
    document.getElementById("charts-note").hidden = true;
    // A height from the start: nothing moves when a chart is drawn, and links lead where they should.
    all("[data-chart]").forEach((node) => { node.style.height = `${figures[node.dataset.chart].layout.height}px`; });
    charts();
    root.dataset.ready = "";
  }).catch((error) => {
    document.getElementById("charts-note").append(` (${error.message})`);
  });
})();
