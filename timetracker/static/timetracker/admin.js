"use strict";

// Names for what Django's pages leave without one. Everything works without this script.

// The cells of a list, which admin.css shows as cards where the page is narrow.
function nameCells(table) {
    const headings = [...table.tHead.rows[0].cells].map(
        heading => heading.querySelector(".text")?.textContent.trim() ?? "");
    for (const row of table.tBodies[0].rows) {
        [...row.cells].forEach((cell, column) => { cell.dataset.heading = headings[column]; });
    }
}

// A field with suggestions: its box is read as "User, olga" instead of "olga".
function nameSuggestions(select) {
    const [label] = select.labels;
    const box = select.nextElementSibling?.querySelector("[role=combobox]");
    const chosen = box?.querySelector("[role=textbox]");
    if (label && chosen) {
        label.id ||= `${select.id}_label`;
        box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
        chosen.setAttribute("aria-labelledby", label.id);
    }
}

// Django's own scripts make the boxes when jQuery says so; pages without boxes have no jQuery.
(window.django?.jQuery ?? (now => now()))(() => {
    document.querySelectorAll("#result_list").forEach(nameCells);
    document.querySelectorAll("select.admin-autocomplete").forEach(nameSuggestions);
});

// The two lists of a choice of many, which Django makes when everything is loaded: the name of
// the search field is on an element that may not have one.
addEventListener("load", () => setTimeout(() => {
    document.querySelectorAll(".selector .search-label-icon").forEach(icon => { icon.role = "img"; });
}));
