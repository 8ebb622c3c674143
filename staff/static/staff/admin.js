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

// On a telephone the filters of a list come first, behind a button.
function foldFilters(filters) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button fold-filters";
    button.textContent = "Filter";
    button.setAttribute("aria-controls", filters.id);
    const fold = folded => {
        filters.classList.toggle("folded", folded);
        button.setAttribute("aria-expanded", String(!folded));
    };
    button.addEventListener("click", () => fold(!filters.classList.contains("folded")));
    fold(true);
    if (matchMedia("(max-width: 767px)").matches) {
        filters.parentElement.prepend(button, filters);
    } else {
        filters.before(button);
    }
}
document.querySelectorAll("#changelist-filter").forEach(foldFilters);
// Its label is a picture, and the help beside it is no name.
document.querySelector("#searchbar")?.setAttribute("aria-label", "Search");
