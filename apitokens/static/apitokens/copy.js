"use strict";

// The clipboard API exists on https and localhost only; elsewhere the old command still works.
async function copy(element) {
    getSelection().selectAllChildren(element);
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(element.textContent);
    } else if (!document.execCommand("copy")) {
        throw new Error("The browser does not let a page copy.");
    }
}

for (const button of document.querySelectorAll("button[data-copies]")) {
    const words = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
        try {
            await copy(document.getElementById(button.dataset.copies));
            button.textContent = "Copied";
        } catch {
            button.textContent = "Press Ctrl+C";
        }
        setTimeout(() => { button.textContent = words; }, 3000);
    });
}
