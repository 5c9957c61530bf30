// Zoom and hover of the Gantt chart. The page says all of it without this, too.
"use strict";
(() => {
  const figure = document.querySelector("figure.gantt");
  if (!figure) return;
  const svg = figure.querySelector("svg");
  const scroll = figure.querySelector(".scroll");
  const axis = svg.querySelector(".axis");
  const caption = figure.querySelector(".tip");
  const resting = caption.textContent;
  const total = Number(svg.dataset.seconds);
  const space = "http://www.w3.org/2000/svg";
  let zoom = 1;

  const made = (name, attributes, text) => {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const drawAxis = () => {
    const wanted = total / Math.max(2, svg.clientWidth / 110);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted);
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    axis.replaceChildren();
    for (let at = 0; at < total; at += step) {
      const x = `${(100 * at) / total}%`;
      axis.append(made("line", { class: "tick", x1: x, x2: x, y1: 0, y2: "100%" }));
      axis.append(made("text", { x, dx: 4, y: 15 }, `${at.toFixed(digits)} s`));
    }
  };

  const setZoom = (next, pointer) => {
    const before = svg.clientWidth;
    const at = pointer === undefined ? scroll.clientWidth / 2 : pointer;
    const place = (scroll.scrollLeft + at) / before;
    zoom = Math.min(500, Math.max(1, next));
    svg.style.width = `${100 * zoom}%`;
    scroll.scrollLeft = place * svg.clientWidth - at;
    drawAxis();
  };

  if (total > 0) {
    const tools = figure.querySelector(".tools");
    tools.hidden = false;
    tools.addEventListener("click", (event) => {
      const by = event.target.dataset.zoom;
      if (by) setZoom(by === "0" ? 1 : zoom * Number(by));
    });
    scroll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.altKey) return;
      event.preventDefault();
      const left = scroll.getBoundingClientRect().left;
      setZoom(zoom * (event.deltaY < 0 ? 1.25 : 0.8), event.clientX - left);
    }, { passive: false });
    window.addEventListener("resize", drawAxis);
    drawAxis();
  }

  svg.addEventListener("mouseover", (event) => {
    const bar = event.target.closest("[data-tip]");
    caption.textContent = bar ? bar.dataset.tip : resting;
  });
  svg.addEventListener("mouseleave", () => { caption.textContent = resting; });
})();
