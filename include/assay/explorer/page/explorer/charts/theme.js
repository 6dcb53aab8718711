// Colours and type of the charts, read from the page's own custom properties: one definition for page and charts.

export const SHAPES = { intel: "circle", amd: "square", graviton: "triangle-up", other: "diamond" };
export const DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4]];
export const POINTS = ["circle", "square", "triangle-up", "diamond", "cross"];

/** The theme as the page shows it now. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: color("ink"),
    muted: color("muted"),
    line: color("line"),
    surface: color("surface"),
    font: getComputedStyle(document.body).fontFamily,
    architectures: Object.fromEntries(Object.keys(SHAPES).map((name) => [name, color(name)])),
    several: [1, 2, 3, 4, 5].map((number) => color(`several-${number}`)),
  };
}

/** Vega-Lite's configuration for a theme. */
export function config(look) {
  const text = { labelFont: look.font, titleFont: look.font, labelColor: look.ink, titleColor: look.muted };
  return {
    aria: false, // the figure around a chart has its name, and a table says the same in words
    background: "transparent",
    font: look.font,
    view: { stroke: null },
    axis: {
      ...text,
      labelFontSize: 12,
      titleFontSize: 12,
      titleFontWeight: "normal",
      domainColor: look.line,
      tickColor: look.line,
      gridColor: look.line,
      labelLimit: 150,
    },
    legend: { ...text, labelFontSize: 12, orient: "top", title: null, symbolSize: 90, labelLimit: 200 },
    text: { color: look.ink, font: look.font, fontSize: 12 },
  };
}
