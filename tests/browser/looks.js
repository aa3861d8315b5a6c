// What is wrong with how a page looks: text without contrast, and what is wider than the screen.
() => {
  const numbers = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (front, back) => front.slice(0, 3).map((c, i) => c * front[3] + back[i] * (1 - front[3]));
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => {
      const part = c / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const probe = document.createElement("i");
  probe.style.background = "Canvas";
  document.body.append(probe);
  const canvas = numbers(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(numbers(getComputedStyle(each).backgroundColor));
    }
    return layers.reduceRight((back, front) => over(front, back), canvas);
  };
  const contrast = (element) => {
    const back = behind(element);
    const parts = [over(numbers(getComputedStyle(element).color), back), back].map(light);
    return (Math.max(...parts) + 0.05) / (Math.min(...parts) + 0.05);
  };
  const wanted = (style) => {
    const size = parseFloat(style.fontSize);
    return size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  };
  const wrong = [];
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide > 0) wrong.push(`${wide} pixels wider than the screen`);
  const seen = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (seen.has(element) || !texts.currentNode.data.trim()) continue;
    seen.add(element);
    if (element.closest("script, style, noscript, :disabled, option")) continue;
    if (!element.checkVisibility()) continue;
    const ratio = contrast(element);
    if (ratio < wanted(getComputedStyle(element))) {
      wrong.push(`${ratio.toFixed(1)}: ${texts.currentNode.data.trim().slice(0, 60)}`);
    }
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (field.checkVisibility() && !field.labels?.length && !field.ariaLabel) {
      wrong.push(`a field without a label: ${field.name || field.id}`);
    }
  }
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.querySelector("meta[name=viewport]")) wrong.push("no viewport for phones");
  return wrong;
}
