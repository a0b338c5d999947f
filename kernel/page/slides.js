// Slides: one of them is shown, keys and buttons lead to the others, the address names it.
(() => {
  "use strict";
  const slides = [...document.querySelectorAll(".slide")], place = document.getElementById("place"), keys = document.getElementById("keys");
  const overview = document.getElementById("overview"), body = document.body, smallest = 0.62;
  let at = 0, scale = 1;

  // fit sets a slide that is too long in smaller type, down to a size that can still be read; what is longer then scrolls.
  const fit = slide => {
    const content = slide.querySelector(".content"), least = content.querySelector(".html script") ? 0.88 : smallest; // what one works with must be readable
    let size = 1;
    content.style.fontSize = "";
    while (slide.scrollHeight > slide.clientHeight + 1 && size > least) {
      size -= 0.04;
      content.style.fontSize = `${size}em`;
    }
  };

  const show = to => {
    at = Math.max(0, Math.min(slides.length - 1, to));
    slides.forEach((s, i) => {
      s.classList.toggle("current", i === at);
      s.setAttribute("aria-label", `${i + 1} of ${slides.length}`);
    });
    place.textContent = `${at + 1} / ${slides.length}`;
    history.replaceState(null, "", `#${at + 1}`);
    if (body.classList.contains("overview")) {
      slides[at].scrollIntoView({block: "nearest"});
      return;
    }
    fit(slides[at]);
    slides[at].scrollTop = 0;
    slides[at].focus({preventScroll: true});
  };

  const toggle = open => {
    body.classList.toggle("overview", open);
    overview.setAttribute("aria-pressed", String(open));
    if (open) slides.forEach(s => { s.querySelector(".content").style.fontSize = ""; });
    show(at);
  };

  // further scrolls a long slide, and goes on at its end.
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const further = by => {
    const slide = slides[at], room = by > 0 ? slide.scrollHeight - slide.clientHeight - slide.scrollTop : slide.scrollTop;
    if (room > 2 && !body.classList.contains("overview")) slide.scrollBy({top: by * 0.8 * slide.clientHeight, behavior: still.matches ? "auto" : "smooth"});
    else show(at + by);
  };
  const columns = () => getComputedStyle(document.querySelector(".deck")).gridTemplateColumns.split(" ").length;
  const larger = by => {
    scale = Math.max(0.6, Math.min(2, scale + by));
    body.style.fontSize = `calc(var(--type) * ${scale})`;
    fit(slides[at]);
  };
  const leave = () => {
    const open = !keys.hidden || body.classList.contains("overview");
    keys.hidden = true;
    if (open) toggle(false);
    else document.activeElement?.blur();
  };

  const works = {
    ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1), PageDown: () => show(at + 1), PageUp: () => show(at - 1),
    ArrowDown: () => body.classList.contains("overview") ? show(at + columns()) : further(1),
    ArrowUp: () => body.classList.contains("overview") ? show(at - columns()) : further(-1),
    " ": e => further(e.shiftKey ? -1 : 1), Home: () => show(0), End: () => show(slides.length - 1), Enter: () => toggle(false),
    o: () => toggle(!body.classList.contains("overview")), "?": () => { keys.hidden = !keys.hidden; }, "+": () => larger(0.1), "-": () => larger(-0.1),
    f: () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
  };
  // What stands in a slide (a field, a button, a counter) keeps its keys; those of a presenter's remote control are always the slides'.
  const taken = e => e.composedPath().some(n => n.matches && n.matches("input, select, textarea, button, summary, a[href], [contenteditable], [tabindex='0']"));
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    if (e.key === "Escape") {
      leave();
      return;
    }
    const work = works[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!work || (taken(e) && e.key !== "PageDown" && e.key !== "PageUp")) return;
    if (e.key === "Enter" && !body.classList.contains("overview")) return;
    e.preventDefault();
    work(e);
  });
  document.querySelectorAll("[data-go]").forEach(b => b.addEventListener("click", () => show(at + Number(b.dataset.go))));
  overview.addEventListener("click", () => toggle(!body.classList.contains("overview")));
  slides.forEach((s, i) => s.addEventListener("click", () => {
    if (!body.classList.contains("overview")) return;
    at = i;
    toggle(false);
  }));
  const named = () => {
    const target = location.hash.slice(1), inside = target && document.getElementById(target)?.closest(".slide");
    return inside ? slides.indexOf(inside) : Number.parseInt(target, 10) - 1 || 0;
  };
  addEventListener("hashchange", () => show(named()));
  addEventListener("resize", () => { if (!body.classList.contains("overview")) fit(slides[at]); });
  addEventListener("beforeprint", () => { // all of them are printed, so all must fit
    slides.forEach(s => {
      s.classList.add("current");
      fit(s);
    });
    slides.forEach((s, i) => s.classList.toggle("current", i === at));
  });
  body.classList.add("running");
  show(named());
  addEventListener("load", () => fit(slides[at]));
})();
