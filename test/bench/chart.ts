export interface Line {
  readonly name: string;
  readonly color: string;
  /** Where the values stand. */
  readonly values: "above" | "below";
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Panel {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly lines: readonly Line[];
}

const WIDTH = 460;
const HEIGHT = 320;
/** Room for the values of the first and the last point. */
const INSET = 20;
const MARGIN = { left: 58, right: 22, top: 44, bottom: 74 } as const;

/** Panels beside one another, both axes of each logarithmic, as an SVG that needs no fonts and no scripts. */
export function chart(panels: readonly Panel[]): string {
  const width = WIDTH * panels.length;
  const style = [
    "text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #24292f }",
    ".title { font-size: 14px; font-weight: 600 }",
    ".grid { stroke: #d0d7de; stroke-width: 1 }",
    ".value { font-size: 11px }",
  ].join(" ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}">`,
    `<title>${inXml(panels.map(({ title, yTitle }) => `${title}: ${yTitle}`).join("; "))}</title>`,
    `<style>${style}</style>`,
    // Pages may be dark; the words on it are not light.
    `<rect width="${width}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...panels.map((panel, index) => `<g transform="translate(${index * WIDTH} 0)">\n${drawPanel(panel)}\n</g>`),
    "</svg>",
    "",
  ].join("\n");
}

function drawPanel({ title, xTitle, yTitle, lines }: Panel): string {
  const points = lines.flatMap((line) => line.points);
  const x = scale(
    points.map((point) => point.x),
    [MARGIN.left + INSET, WIDTH - MARGIN.right - INSET],
    "values",
  );
  const y = scale(
    points.map((point) => point.y),
    [HEIGHT - MARGIN.bottom, MARGIN.top],
    "powers of ten",
  );
  const bottom = HEIGHT - MARGIN.bottom;
  const right = WIDTH - MARGIN.right;
  return [
    `<text class="title" x="${MARGIN.left}" y="24">${inXml(title)}</text>`,
    ...y.ticks.map((tick) => {
      const at = round(y.at(tick));
      return [
        `<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${at}" y2="${at}"/>`,
        `<text class="value" x="${MARGIN.left - 6}" y="${at + 4}" text-anchor="end">${shown(tick)}</text>`,
      ].join("");
    }),
    ...x.ticks.map(
      (tick) =>
        `<text class="value" x="${round(x.at(tick))}" y="${bottom + 16}" text-anchor="middle">${shown(tick)}</text>`,
    ),
    `<text x="${(MARGIN.left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${inXml(xTitle)}</text>`,
    `<text x="14" y="${(MARGIN.top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(MARGIN.top + bottom) / 2})">${inXml(yTitle)}</text>`,
    ...lines.map((line, index) => drawLine(line, index, x.at, y.at)),
  ].join("\n");
}

function drawLine(
  { name, color, values, points }: Line,
  index: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const places = points.map((point) => ({ x: round(x(point.x)), y: round(y(point.y)), value: point.y }));
  const [column, row] = [index % 2, Math.floor(index / 2)];
  const legend = { x: MARGIN.left + column * 195, y: HEIGHT - 16 + row * 18 };
  return [
    `<polyline fill="none" stroke="${color}" stroke-width="2" points="${places.map((at) => `${at.x},${at.y}`).join(" ")}"/>`,
    ...places.map((at) => `<circle cx="${at.x}" cy="${at.y}" r="3" fill="${color}"/>`),
    ...places.map(
      (at) =>
        `<text class="value" x="${at.x}" y="${at.y + (values === "above" ? -7 : 16)}" text-anchor="middle" style="fill: ${color}">${shown(at.value)}</text>`,
    ),
    `<rect x="${legend.x}" y="${legend.y - 9}" width="10" height="10" fill="${color}"/>`,
    `<text x="${legend.x + 16}" y="${legend.y}">${inXml(name)}</text>`,
  ].join("\n");
}

/** Logarithmic: from the least to the greatest value, or from a power of ten below them to one above. */
function scale(values: readonly number[], [from, to]: readonly [number, number], ends: "values" | "powers of ten") {
  const [least, greatest] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  // A value stands below its point: the least one needs room.
  const low = ends === "values" ? least : Math.floor(least - 0.1);
  const high = ends === "values" ? greatest : Math.max(low + 1, Math.ceil(greatest));
  const powers = Array.from(
    { length: Math.floor(high) - Math.ceil(low) + 1 },
    (_, index) => 10 ** (Math.ceil(low) + index),
  );
  return {
    at: (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: ends === "values" ? [...new Set(values)] : powers,
  };
}

function shown(value: number): string {
  if (value >= 1_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return `${Number(value.toPrecision(2))}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function inXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
