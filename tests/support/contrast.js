async (isDark) => {
  // The texts on the page whose contrast with what is painted behind them is below 4.5 (WCAG 2.2,
  // 1.4.3), each as "ratio text". Icons are no text. The browser computes every colour.
  document.documentElement.classList.toggle("dark", isDark);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  document.getAnimations().forEach((each) => each.finish());
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (above, below) =>
    [0, 1, 2].map((i) => above[i] * above[3] + below[i] * (1 - above[3])).concat(1);
  const background = (element) => {
    let painted = [255, 255, 255, 1];
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.unshift(each);
    for (const layer of layers) painted = over(rgba(getComputedStyle(layer).backgroundColor), painted);
    return painted;
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const low = new Set();
  const check = (element, colour, text) => {
    const behind = background(element);
    const [light, dark] = [luminance(over(rgba(colour), behind)), luminance(behind)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) low.add(`${ratio.toFixed(2)} ${text.slice(0, 40)}`);
  };
  const isVisible = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !element.closest("script, style, option, .material-symbols-outlined");

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (text && isVisible(element)) check(element, getComputedStyle(element).color, text);
  }
  for (const field of document.querySelectorAll("input[placeholder]")) {
    if (isVisible(field)) check(field, getComputedStyle(field, "::placeholder").color, field.placeholder);
  }
  for (const canvas of document.querySelectorAll("canvas.chart")) {
    const chart = Chart.getChart(canvas);
    check(canvas, chart.scales.x.options.ticks.color, "axis of a chart");
    check(canvas, chart.legend.options.labels.color, "legend of a chart");
  }
  return [...low];
}
