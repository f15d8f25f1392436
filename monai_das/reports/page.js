"use strict";
(() => {
  const study = JSON.parse(document.getElementById("case").textContent);
  const { names, selected, review } = study;
  const find = (id) => document.getElementById(id);
  const [screen, picture, caption, slider, curve, cursor, level, width, network] =
    ["screen", "picture", "caption", "slider", "curve", "cursor", "level", "width", "network"].map(find);
  const cards = [...document.querySelectorAll("#selected fieldset")];
  const last = names.length - 1;
  const jpeg = (data) => "data:image/jpeg;base64," + data;
  const context = picture.getContext("2d");
  const unpacked = new Map(); // index to a promise of its values
  let shown = 0, [, low, high, tone] = study.windows[0];

  // The opposite of reports/packing.py.
  async function unpack(part) {
    const bytes = Uint8Array.from(atob(part.data), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const { rows, columns } = part, count = rows * columns, values = new Uint16Array(count);
    for (let place = 0, row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, place++) {
        const left = column ? values[place - 1] : 0, above = row ? values[place - columns] : 0;
        const corner = row && column ? values[place - columns - 1] : 0;
        const middle = Math.min(Math.max(left + above - corner, Math.min(left, above)), Math.max(left, above));
        const folded = planes[place] | planes[count + place] << 8;
        values[place] = middle + (folded >>> 1 ^ -(folded & 1));
      }
    }
    return values;
  }
  function drawValues(part, values) {
    const shades = new Uint8ClampedArray(65536), end = tone.length - 1;
    for (let number = 0; number < 65536; number++) {
      const share = (part.offset + part.step * number - low) / (high - low);
      // the tone is told from one width below the window to one above
      shades[number] = end < 0 ? share * 255 : tone[Math.min(Math.max(Math.round((share + 1) * end / 3), 0), end)];
    }
    const image = new ImageData(part.columns, part.rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let place = 0; place < pixels.length; place++) pixels[place] = 0xff000000 | shades[values[place]] * 0x010101;
    [picture.width, picture.height] = [part.columns, part.rows];
    context.putImageData(image, 0, 0);
  }
  async function drawImage(source, index) {
    const image = new Image();
    image.src = source;
    await image.decode();
    if (index !== shown) return;
    [picture.width, picture.height] = [image.naturalWidth, image.naturalHeight];
    context.drawImage(image, 0, 0);
  }
  async function draw() {
    const index = shown, part = study.full[index];
    const seen = network.ariaPressed === "true" && study.network[index];
    const kind = seen ? "network" : part ? "full" : "preview";
    if (seen) await drawImage("data:image/png;base64," + seen, index);
    else if (!part) await drawImage(jpeg(study.previews[index]), index);
    else if (!part.rows) await drawImage(jpeg(part.data), index);
    else {
      if (!unpacked.has(index)) unpacked.set(index, unpack(part));
      const values = await unpacked.get(index);
      if (index === shown) drawValues(part, values);
    }
    if (index === shown) screen.dataset.drawn = kind + " " + index;
  }
  const kinds = { network: "what the network saw", full: "values of the file", preview: "preview" };
  function show(index) {
    shown = Math.min(Math.max(index, 0), last);
    const taken = selected.includes(shown);
    const kind = network.ariaPressed === "true" && taken ? "network" : study.full[shown] ? "full" : "preview";
    picture.ariaLabel = names[shown] + ", " + kinds[kind];
    slider.value = shown;
    slider.ariaValueText = names[shown];
    screen.classList.toggle("selected", taken);
    const score = Number(study.scores[shown].toPrecision(3));
    caption.textContent = [names[shown], "score " + score, kinds[kind], ...(taken ? ["selected"] : [])].join(", ");
    const x = (shown + 0.5) / (last + 1) * 1000;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    cards.forEach((card, place) => card.setAttribute("aria-current", selected[place] === shown));
    draw();
  }
  function jump(step) {
    const rest = step > 0 ? selected.filter((index) => index > shown) : selected.filter((index) => index < shown).reverse();
    if (rest.length) show(rest[0]);
  }
  function setWindow(newLow, newHigh) {
    if (!(newHigh > newLow)) return;
    [low, high] = [newLow, newHigh];
    level.value = Number(((low + high) / 2).toPrecision(6));
    width.value = Number((high - low).toPrecision(6));
    document.querySelectorAll("[data-window]").forEach((button, place) => {
      button.ariaPressed = study.windows[place][1] === low && study.windows[place][2] === high;
    });
    draw();
  }
  function toggleNetwork() {
    network.ariaPressed = network.ariaPressed !== "true";
    show(shown);
  }

  screen.style.setProperty("--aspect", study.aspect);
  cards.forEach((card, place) => {
    card.querySelector("img").src = jpeg(study.previews[selected[place]]);
    card.querySelector("button").addEventListener("click", () => {
      show(selected[place]);
      screen.scrollIntoView({ block: "nearest" }); // in a narrow window it lies far above
    });
  });
  document.querySelectorAll("[data-window]").forEach((button, place) => {
    button.addEventListener("click", () => {
      tone = study.windows[place][3];
      setWindow(study.windows[place][1], study.windows[place][2]);
    });
  });
  for (const input of [level, width]) {
    input.addEventListener("change", () => setWindow(level.value - width.value / 2, +level.value + width.value / 2));
  }
  slider.addEventListener("input", () => show(Number(slider.value)));
  find("previous").addEventListener("click", () => jump(-1));
  find("next").addEventListener("click", () => jump(1));
  network.addEventListener("click", toggleNetwork);

  const pointed = (event) => {
    const box = curve.getBoundingClientRect();
    show(Math.floor((event.clientX - box.left) / box.width * (last + 1)));
  };
  curve.addEventListener("pointerdown", pointed);
  curve.addEventListener("pointermove", (event) => { if (event.buttons) pointed(event); });

  let start = null;
  screen.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || !study.full[selected[0]].rows) return; // a finger scrolls; colours have no window
    start = { x: event.clientX, y: event.clientY, middle: (low + high) / 2, wide: high - low };
    screen.setPointerCapture(event.pointerId);
  });
  screen.addEventListener("pointermove", (event) => {
    if (!start) return;
    const wide = start.wide * 2 ** ((event.clientX - start.x) / 150);
    const middle = start.middle + start.wide * (event.clientY - start.y) / 300;
    setWindow(middle - wide / 2, middle + wide / 2);
  });
  for (const end of ["pointerup", "pointercancel"]) screen.addEventListener(end, () => { start = null; });
  screen.addEventListener("wheel", (event) => {
    event.preventDefault();
    show(shown + Math.sign(event.deltaY));
  }, { passive: false });

  // The reader's verdict. Nothing is said until the reader says it.
  const [form, addedList, quality, note, reader, saved] =
    ["verdicts", "added", "quality", "note", "reader", "saved"].map(find);
  const added = new Set();
  const radios = (name) => [...form.elements[name] instanceof RadioNodeList ? form.elements[name] : [form.elements[name]]];
  let unsaved = false;
  const changed = () => { unsaved = true; saved.textContent = ""; };

  function say(name, value) { // null takes it back
    for (const radio of radios(name)) radio.checked = radio.value === value;
    changed();
  }
  function judge(word) {
    if (selected.includes(shown)) say("slice-" + shown, word);
    else saved.textContent = names[shown] + " is not selected: add it with a";
  }
  function add() {
    if (selected.includes(shown)) {
      saved.textContent = names[shown] + " is selected already: confirm or reject it";
      return;
    }
    if (!added.delete(shown)) added.add(shown);
    changed();
    showAdded();
  }
  function showAdded() {
    addedList.replaceChildren(...[...added].sort((a, b) => a - b).map((index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = names[index] + " \u00d7";
      button.ariaLabel = "do not add " + names[index];
      button.addEventListener("click", () => { added.delete(index); changed(); showAdded(); });
      return button;
    }));
  }
  function verdict() {
    const said = (word) => selected.filter((index) => radios("slice-" + index).some((each) => each.checked && each.value === word));
    const place = Number(radios("class").find((each) => each.checked).value);
    const sure = place < review.classes.length;
    return {
      case_id: review.case_id,
      label: sure ? place : null,
      label_name: sure ? review.classes[place] : review.unsure,
      slices_confirmed: said("confirm"),
      slices_rejected: said("reject"),
      slices_added: [...added].sort((a, b) => a - b),
      reviewer: reader.value.trim(),
      reviewed_at: new Date().toISOString(),
      quality: quality.value ? Number(quality.value) : null,
      note: note.value.trim() || null,
      model: review.model,
      image: null,
      group: review.group,
    };
  }
  for (const radio of form.querySelectorAll("#selected input")) {
    let before = false; // a second click takes it back
    radio.closest("label").addEventListener("pointerdown", () => { before = radio.checked; });
    radio.addEventListener("click", () => { if (before) say(radio.name, null); before = false; });
  }
  find("add").addEventListener("click", add);
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => { // the browser has seen to it that class and reader are there
    event.preventDefault();
    const entry = verdict();
    const content = { training: entry.label === null ? [] : [entry], unsure: entry.label === null ? [entry] : [] };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
    link.download = "verdicts_" + review.case_id.replace(/[^\w.-]+/g, "_") + ".json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    saved.textContent = "saved as " + link.download + "; save again to replace it";
  });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  const keys = {
    ArrowLeft: () => show(shown - 1), ArrowDown: () => show(shown - 1), ArrowRight: () => show(shown + 1),
    ArrowUp: () => show(shown + 1), Home: () => show(0), End: () => show(last), n: () => jump(1), p: () => jump(-1),
    w: toggleNetwork, a: add, c: () => judge("confirm"), r: () => judge("reject"), u: () => judge(null),
    0: () => say("class", String(review.classes.length)),
  };
  for (let place = 0; place < Math.min(9, review.classes.length); place++) keys[place + 1] = () => say("class", String(place));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("textarea, select, input:not([type=radio], [type=range])");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    const scrolls = ["ArrowUp", "ArrowDown"].includes(event.key) && !event.target.matches("input");
    if (scrolls) return;
    event.preventDefault();
    keys[event.key]();
  });
  setWindow(low, high);
  show(study.start);
})();
