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

  const send = window.fetch;
  window.fetch = async function (...request) {
    try {
      const answer = await send.apply(this, request);
      if (answer.status === 401) { window.location.reload(); }
      if (answer.status >= 500) { show("lost", "service fails"); } else { show("live", "live"); }
      return answer;
    } catch (error) {
      show("lost", "no connection");
      throw error;
    }
  };

  /* Dash gives lists of radio buttons and check boxes the roles of a list box, which their inputs contradict. Without these roles
     they are read out as what they are. */
  function plain() {
    document.querySelectorAll(".pills[role], .pills [role], .pills [aria-selected]").forEach((element) => {
      element.removeAttribute("role");
      element.removeAttribute("aria-selected");
    });
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

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    svge: {
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
