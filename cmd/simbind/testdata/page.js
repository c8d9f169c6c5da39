// What a person would see wrong on a page, in words: run in the page by a test.
(() => {
  const faults = [];
  const say = (what, text) => { if (faults.length < 20) faults.push(`${what}: ${text.trim().slice(0, 60)}`); };
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) say("wider than the window", `${root.scrollWidth} of ${window.innerWidth} pixels`);

  // Colours as the browser computes them; a transparent background is that of what is behind.
  const rgb = (c) => c.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return light(c);
    }
    return 1;
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("title, script, style")) continue;
    texts++;
    const style = getComputedStyle(e);
    const ratio = contrast(light(rgb(e.closest("svg") ? style.fill : style.color)), behind(e));
    if (ratio < 4.5) say(`contrast of ${ratio.toFixed(2)}`, node.data);
  }

  // Drawings: every text is inside, and none lies on another. Boxes of text are some pixels higher than what is seen.
  const slack = 3;
  for (const svg of document.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect();
    const words = [...svg.querySelectorAll("text")].map((e) => [e, e.getBoundingClientRect()]);
    words.forEach(([e, r], i) => {
      if (r.left < box.left - slack || r.right > box.right + slack || r.top < box.top - slack || r.bottom > box.bottom + slack) say("leaves its drawing", e.textContent);
      for (const [f, q] of words.slice(i + 1)) {
        const x = Math.min(r.right, q.right) - Math.max(r.left, q.left);
        const y = Math.min(r.bottom, q.bottom) - Math.max(r.top, q.top);
        if (x > slack && y > slack) say("lie on each other", `${e.textContent} / ${f.textContent}`);
      }
    });
  }
  return { Faults: faults, Texts: texts, Paper: behind(document.body) };
})()
