"use strict";

/* A click on a photo shows the keeper in its place, then (unless one is turned) their difference, then the photo. */
const STATES = ["", "flipped", "difference"];

function compare(frame) {
  const shown = frame.querySelector("img");
  const keeper = frame.closest("section").querySelector(".keeper img");
  const states = frame.closest(".turned") ? STATES.slice(0, 2) : STATES;
  const next = states[(states.indexOf(frame.dataset.state ?? "") + 1) % states.length];
  frame.querySelector("img.keeper")?.remove();
  frame.classList.remove(...STATES.filter(Boolean));
  frame.dataset.state = next;
  if (!next || !keeper) return;
  const over = keeper.cloneNode();
  over.className = "keeper";
  over.style.cssText = `width:${shown.clientWidth}px;height:${shown.clientHeight}px;max-width:none;max-height:none`;
  frame.classList.add(next);
  frame.append(over);
}

document.addEventListener("click", (event) => {
  const frame = event.target.closest(".other .frame");
  if (frame?.querySelector("img")) compare(frame);
});

document.querySelector("input").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.textContent.toLowerCase().includes(words);
  }
});
