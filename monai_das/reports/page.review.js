"use strict";
(() => {
  const study = JSON.parse(document.getElementById("case").textContent);
  const review = study.review;
  const [section, judged, addedList, classes, quality, note, reader, saved] =
    ["verdicts", "judged", "added", "class", "quality", "note", "reader", "saved"].map((id) => document.getElementById(id));
  const slider = document.getElementById("slider");
  const name = (index) => study.noun + " " + (index + study.first);
  const added = new Set();
  let unsaved = false;

  // the page's keys (n, p, arrows) are letters and moves here
  section.addEventListener("keydown", (event) => event.stopPropagation());
  section.addEventListener("input", () => { unsaved = true; saved.textContent = ""; });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  for (const index of review.selected) {
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = name(index);
    group.append(legend);
    for (const word of ["confirm", "reject"]) {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: "slice-" + index, value: word });
      label.append(radio, word);
      group.append(label);
    }
    judged.append(group);
  }
  for (const [place, word] of [...review.classes, review.unsure].entries()) {
    classes.append(new Option(word, place, place === review.label, place === review.label));
  }

  function showAdded() {
    addedList.replaceChildren(...[...added].sort((a, b) => a - b).map((index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name(index) + " \u00d7";
      button.setAttribute("aria-label", "do not add " + name(index));
      button.addEventListener("click", () => { added.delete(index); unsaved = true; showAdded(); });
      return button;
    }));
  }
  document.getElementById("add").addEventListener("click", () => {
    const index = Number(slider.value);
    if (review.selected.includes(index)) {
      saved.textContent = name(index) + " is selected already: confirm or reject it";
      return;
    }
    added.add(index);
    unsaved = true;
    saved.textContent = "";
    showAdded();
  });

  function verdict() {
    const said = (word) => review.selected.filter(
      (index) => section.querySelector("input[name=slice-" + index + "]:checked")?.value === word);
    const place = Number(classes.value);
    const sure = place < review.classes.length;
    return {
      case_id: review.case_id,
      label: sure ? place : null,
      label_name: sure ? review.classes[place] : review.unsure,
      slices_confirmed: said("confirm"),
      slices_rejected: said("reject"),
      slices_added: [...added].sort((a, b) => a - b),
      reviewer: reader.value.trim() || "reader",
      reviewed_at: new Date().toISOString(),
      quality: quality.value ? Number(quality.value) : null,
      note: note.value.trim() || null,
      model: review.model,
      image: null,
      group: review.group,
    };
  }
  document.getElementById("save").addEventListener("click", () => {
    const entry = verdict();
    const content = { training: entry.label === null ? [] : [entry], unsure: entry.label === null ? [entry] : [] };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
    link.download = "verdicts_" + review.case_id.replace(/[^\w.-]+/g, "_") + ".json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    saved.textContent = "saved as " + link.download;
  });
})();
