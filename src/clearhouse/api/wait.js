(function () {
  "use strict";
  const next = document.querySelector("main").dataset;
  setTimeout(function () {
    // In place of this one, so that the way back is not paved with waiting.
    location.replace(next.again);
  }, 1000 * Number(next.seconds));
})();
