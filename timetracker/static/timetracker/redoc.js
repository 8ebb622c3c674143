"use strict";

// Redoc asks a CDN for its maker's logo and has no option not to; here no file comes from elsewhere.
const image = HTMLImageElement.prototype;
const source = Object.getOwnPropertyDescriptor(image, "src");
const isOurs = address => !String(address).startsWith("https://cdn.redoc.ly/");

image.setAttribute = function (name, value) {
    if (name !== "src" || isOurs(value)) {
        Element.prototype.setAttribute.call(this, name, value);
    }
};
Object.defineProperty(image, "src", {
    ...source,
    set(value) {
        if (isOurs(value)) {
            source.set.call(this, value);
        }
    },
});
