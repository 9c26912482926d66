/* What the page does by itself: the theme, the sign of life in the header, and cells that lead to trials. */
(function () {
  "use strict";
  const root = document.documentElement;
  const kept = "svge-theme";

  function chosen() {
    try { return localStorage.getItem(kept); } catch { return null; }
  }

  function apply(theme) {
    if (theme) { root.dataset.theme = theme; } else { delete root.dataset.theme; }
  }

  apply(chosen());

  /* Whoever asks for Plotly first starts its loading and gets a promise, for which plots wait: Dash would load it anew at each visit.
     Pages that have plots ask as soon as they have asked for their content. */
  let coming = null;
  Object.defineProperty(window, "Plotly", {
    configurable: true,
    get() { return (coming = coming || load(document.querySelector("meta[name=plotly]").content)); },
    set(library) {
      Object.defineProperty(window, "Plotly", { value: library, configurable: true, writable: true });
      takeTurns(library);
    },
  });
  if (/\/(studies|compare)\b/.test(location.pathname)) { document.addEventListener("DOMContentLoaded", () => window.Plotly); }

  function load(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      Object.assign(script, { src: address, onload: resolve, onerror: reject });
      document.head.append(script);
    });
  }

  /* Each plot is drawn in a task of its own, so that the page shows, answers and asks for the table's rows in between. */
  function takeTurns(library) {
    const draw = library.react;
    let turn = Promise.resolve();
    library.react = (...figure) => {
      const drawn = turn.then(pause).then(() => draw.apply(library, figure));
      turn = drawn.catch(() => {});
      return drawn;
    };
  }

  function pause() {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { port1.close(); resolve(); };
      port2.postMessage(null);
    });
  }

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("#theme")) { return; }
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    apply(next);
    try { localStorage.setItem(kept, next); } catch { /* private windows keep nothing */ }
  });

  function show(state, text) {
    const sign = document.getElementById("life");
    if (sign && sign.dataset.state !== state) {
      sign.dataset.state = state;
      sign.textContent = text;
    }
  }

  /* What failed last and has not succeeded since: its notice stays until it does. A press on a button that was refused is one too. */
  const failed = new Set();

  function settle(request, answer) {
    const body = request[1] && request[1].body;
    if (typeof body !== "string" || !String(request[0]).includes("_dash-update-component")) { return; }
    const key = JSON.parse(body).output;
    if (answer.headers.has("x-svge-failed")) {
      failed.add(key);
    } else if (key.includes("problem.children")) {
      failed.clear(); /* another page, on which nothing has failed */
    } else if (answer.ok) {
      failed.delete(key);
      /* Also where the notice is drawn only after the success that it should have gone with. */
      if (failed.size === 0 && document.querySelector("#problem > *")) {
        window.dash_clientside.set_props("problem", { children: null });
      }
    }
  }

  const send = window.fetch;
  window.fetch = async function (...request) {
    try {
      const answer = await send.apply(this, request);
      if (answer.status === 401) { window.location.reload(); }
      settle(request, answer);
      if (answer.status >= 500) { show("lost", "service fails"); } else { show("live", "live"); }
      return answer;
    } catch (error) {
      show("lost", "no connection");
      throw error;
    }
  };

  /* Dash gives lists of radio buttons and check boxes the roles of a list box, which their inputs contradict. Without these roles
     they are read out as what they are. */
  const lists = document.getElementsByClassName("pills");

  function plain() {
    for (const list of lists) {
      for (const element of [list, ...list.querySelectorAll("[role], [aria-selected]")]) {
        element.removeAttribute("role");
        element.removeAttribute("aria-selected");
      }
    }
  }

  new MutationObserver(plain).observe(root, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["role", "aria-selected"],
  });

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  cells.TrialLink = function (cell) {
    if (!cell.data) { return null; }
    return window.React.createElement(
      window.dash_core_components.Link,
      { href: cell.data.href, setProps: () => {} },
      "#" + cell.value,
    );
  };

  /* The layout of the latent map as it is drawn, and as far, in pixels, as one who points at something may miss it. */
  const plane = () => document.querySelector("#plane .js-plotly-plot")._fullLayout;
  const REACH = 8;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.getElementById("beside")) {
      window.dash_clientside.set_props("beside", { show: false });
    }
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    svge: {
      followClick: function (clicks) {
        for (const click of clicks) {
          for (const point of (click && click.points) || []) {
            if (point.customdata) { return "/dashboard/trials/" + encodeURIComponent(point.customdata[0]); }
          }
        }
        return window.dash_clientside.no_update;
      },
      followPointer: function (hover, change) {
        const point = ((hover && hover.points) || []).find((one) => one.customdata);
        const same = window.dash_clientside.no_update;
        const news = window.dash_clientside.callback_context.triggered.some((one) => one.prop_id === "plane.relayoutData");
        const dragged = news && change && !("autosize" in change);
        if (!point || dragged) { return [false, same, same, same]; }
        const room = point.bbox.x0 < document.getElementById("plane").clientWidth / 2 ? "right" : "left";
        return [true, point.bbox, room, point.customdata];
      },
      /* Plotly itself does not tell of clicks while dragging draws lines. */
      clickWhileDrawing: function (_clicks, hover) {
        return hover && plane().dragmode === "drawline" ? hover : window.dash_clientside.no_update;
      },
      drawnLine: function (change) {
        const line = ((change && change.shapes) || []).at(-1);
        if (!line) { return window.dash_clientside.no_update; }
        const { range, _length } = plane().xaxis;
        return { A: [line.x0, line.y0], B: [line.x1, line.y1], reach: REACH * Math.abs(range[1] - range[0]) / _length };
      },
      setTitle: function (title) {
        if (title) { document.title = title; }
        return window.dash_clientside.no_update;
      },
      refreshTable: function (change) {
        window.dash_ag_grid.getApiAsync("trials").then((grid) => grid.refreshInfiniteCache());
        return window.dash_clientside.no_update;
      },
    },
  });
})();
