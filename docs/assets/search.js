// Error codes are negative, and a minus before a word excludes it from a search. Nobody means that here: "-1007" is
// looked up as "1007".
for (const event of ["input", "keyup"])
  document.addEventListener(
    event,
    ({ target }) => {
      if (!(target instanceof HTMLInputElement) || target.dataset.mdComponent !== "search-query") return;
      const meant = target.value.replace(/(^|\s)-(?=\d)/g, "$1");
      if (meant !== target.value) target.value = meant;
    },
    true, // before the search itself reads the field
  );
