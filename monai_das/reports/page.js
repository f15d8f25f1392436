"use strict";
(() => {
  const study = JSON.parse(document.getElementById("case").textContent);
  const [screen, picture, caption, slider, curve, cursor] =
    ["screen", "picture", "caption", "slider", "curve", "cursor"].map((id) => document.getElementById(id));
  const buttons = [...document.querySelectorAll("#selected button")];
  const selected = buttons.map((button) => Number(button.dataset.index));
  const last = study.images.length - 1;
  const source = (index) => "data:image/jpeg;base64," + study.images[index];
  const name = (index) => study.noun + " " + (index + study.first);
  let shown = 0;

  function show(index) {
    shown = Math.min(Math.max(index, 0), last);
    const taken = selected.includes(shown);
    picture.src = source(shown);
    picture.alt = name(shown);
    slider.value = shown;
    slider.setAttribute("aria-valuetext", name(shown));
    screen.classList.toggle("selected", taken);
    const score = Number(study.scores[shown].toPrecision(3));
    caption.textContent = name(shown) + ", score " + score + (taken ? ", selected" : "");
    const x = (shown + 0.5) / (last + 1) * 1000;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    buttons.forEach((button, place) => button.setAttribute("aria-current", selected[place] === shown));
  }
  function jump(step) {
    const rest = step > 0 ? selected.filter((index) => index > shown) : selected.filter((index) => index < shown).reverse();
    if (rest.length) show(rest[0]);
  }

  picture.style.aspectRatio = study.aspect;
  buttons.forEach((button, place) => {
    const image = new Image();
    image.alt = "";
    image.src = source(selected[place]);
    button.prepend(image);
    button.addEventListener("click", () => {
      show(selected[place]);
      screen.scrollIntoView({ block: "nearest" }); // in a narrow window it lies far above
    });
  });
  slider.addEventListener("input", () => show(Number(slider.value)));
  document.getElementById("previous").addEventListener("click", () => jump(-1));
  document.getElementById("next").addEventListener("click", () => jump(1));

  const pointed = (event) => {
    const box = curve.getBoundingClientRect();
    show(Math.floor((event.clientX - box.left) / box.width * (last + 1)));
  };
  curve.addEventListener("pointerdown", pointed);
  curve.addEventListener("pointermove", (event) => { if (event.buttons) pointed(event); });

  let start = null;
  screen.addEventListener("pointerdown", (event) => {
    start = { x: event.clientX, index: shown };
    screen.setPointerCapture(event.pointerId);
  });
  screen.addEventListener("pointermove", (event) => {
    if (start) show(start.index + Math.round((event.clientX - start.x) / screen.clientWidth * last));
  });
  for (const end of ["pointerup", "pointercancel"]) screen.addEventListener(end, () => { start = null; });
  screen.addEventListener("wheel", (event) => {
    event.preventDefault();
    show(shown + Math.sign(event.deltaY));
  }, { passive: false });

  const keys = {
    ArrowLeft: () => show(shown - 1), ArrowDown: () => show(shown - 1), ArrowRight: () => show(shown + 1),
    ArrowUp: () => show(shown + 1), Home: () => show(0), End: () => show(last), n: () => jump(1), p: () => jump(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    if (event.target !== slider && ["ArrowUp", "ArrowDown"].includes(event.key)) return; // those scroll
    event.preventDefault();
    keys[event.key]();
  });
  show(study.start);
})();
