import { formatPlatform } from "../oci/descriptor.ts";
import { hexOf } from "../oci/digest.ts";
import { gradeMeaning } from "./grades.ts";
import type { Inspection } from "./inspect.ts";
import { shortReference } from "./short-reference.ts";
import { type TextOptions, textStyle } from "./text-style.ts";
import { countOf, cut, formatSize, formatTable, plainText } from "./text-table.ts";

const SHORT_DIGEST = 12;

/** The text of `kubefile inspect`. */
export function formatInspection(inspection: Inspection, { color, width = 100 }: TextOptions): string {
  const style = textStyle(color);
  const { config } = inspection;
  const section = (title: string, lines: readonly string[], note = ""): string[] =>
    lines.length === 0
      ? []
      : ["", `${style.heading(title)}${note === "" ? "" : `  ${note}`}`, ...lines.map((line) => `  ${line}`)];
  const table = (...args: Parameters<typeof formatTable>): string[] => {
    const [columns, rows] = args;
    const [header = "", ...lines] = formatTable(columns, rows, width - 2);
    return rows.length === 0 ? [] : [style.dim(header), ...lines];
  };
  const pairs = (values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => cut(plainText(`${name}=${value}`), width - 2));
  return [
    style.heading(plainText(inspection.reference ?? inspection.digest)),
    ...summary(inspection).map(([name, value]) => `  ${style.dim(name.padEnd(10))} ${plainText(value)}`),
    ...section(
      "Launch",
      config.launch.commands.map(({ command, source, app, directory }) => {
        const details = [
          source,
          app === undefined ? "" : `app ${app}`,
          /^\.?$/.test(directory) ? "" : `in ${directory}`,
        ];
        return `${plainText(command)}  ${style.dim(plainText(details.filter(Boolean).join(", ")))}`;
      }),
    ),
    ...section(
      "Apps",
      table(
        [
          { header: "NAME" },
          { header: "TYPE" },
          { header: "KIND" },
          { header: "LAUNCHED" },
          { header: "FILES", flexible: true },
        ],
        config.apps.map(({ name, type, kind, launched, files }) => [
          name,
          type,
          kind,
          launched ? "yes" : "no",
          files.join(" "),
        ]),
      ),
    ),
    ...section(
      "Rootfs",
      table(
        [{ header: "LAYER" }, { header: "SIZE", align: "right" }],
        inspection.rootfs.layers.map(({ digest, size }) => [hexOf(digest).slice(0, SHORT_DIGEST), formatSize(size)]),
      ),
    ),
    ...section(
      "Images",
      table(
        [
          { header: "REFERENCE", flexible: true },
          { header: "DIGEST" },
          { header: "LAYERS", align: "right" },
          { header: "SIZE", align: "right" },
          { header: "OWN", align: "right" },
        ],
        inspection.images.list.map(({ reference, digest, layers, size, ownSize }) => [
          shortReference(reference),
          hexOf(digest).slice(0, SHORT_DIGEST),
          String(layers),
          formatSize(size),
          formatSize(ownSize),
        ]),
      ),
    ),
    ...section("Environment", pairs(config.env)),
    ...section("Labels", pairs(config.labels)),
    ...section("Annotations", pairs(inspection.annotations)),
    "",
  ].join("\n");
}

function summary({ digest, config, rootfs, images, size, profile }: Inspection): [string, string][] {
  const kubernetes = config.kubernetesVersion === undefined ? "" : `, Kubernetes ${config.kubernetesVersion}`;
  const shared = images.separateSize - images.size;
  const saved = shared > 0 ? `, ${formatSize(shared)} saved by sharing layers` : "";
  return [
    ["digest", digest],
    ["platform", `${formatPlatform(config.platform)}${kubernetes}`],
    ["grade", `${config.grade} (${gradeMeaning[config.grade]})`],
    ["network", config.needsNetwork ? "needed: the launch was not rehearsed without one" : "not needed"],
    ["size", formatSize(size)],
    ["rootfs", `${formatSize(rootfs.size)} in ${countOf(rootfs.layers.length, "layer")}`],
    ["images", `${formatSize(images.size)} in ${countOf(images.list.length, "image")}${saved}`],
    ...(config.maintainer === undefined ? [] : [["maintainer", config.maintainer] satisfies [string, string]]),
    ...(profile === "standard" ? [["format", "standard media types"] satisfies [string, string]] : []),
  ];
}
