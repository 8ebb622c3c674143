"use strict";

// A purpose ticks its scopes; a scope ticked or taken away by hand is another purpose's.
const presets = [...document.querySelectorAll("input[name=preset]")];
const scopes = [...document.querySelectorAll("input[name=scopes]")];

for (const preset of presets) {
    preset.addEventListener("change", () => {
        const meant = preset.dataset.scopes.split(" ");
        scopes.forEach(scope => { scope.checked = meant.includes(scope.value); });
    });
}

for (const scope of scopes) {
    scope.addEventListener("change", () => {
        const ticked = scopes.filter(each => each.checked).map(each => each.value).sort().join(" ");
        const fits = preset => preset.dataset.scopes.split(" ").sort().join(" ") === ticked;
        presets.forEach(preset => { preset.checked &&= fits(preset); });
    });
}
