/** A component as its file declares it. */
export interface DeclaredComponent {
  /** `build.yml`. */
  readonly name: string;
  /** What it does, in a sentence. */
  readonly about: string;
  readonly inputs: Readonly<
    Record<
      string,
      {
        readonly type: string;
        readonly default?: unknown;
        readonly options?: readonly unknown[];
        readonly description: string;
      }
    >
  >;
}

/** docs/gitlab-inputs.md: every input of every component. */
export function componentInputsPage(components: readonly DeclaredComponent[]): string {
  const head = [
    "# Inputs of the components for GitLab",
    "",
    "Written by `scripts/write-gitlab-inputs.mjs` from the headers of `gitlab-templates/*.yml`. What the components are for, and",
    "what runners, variables and tokens they need: [GitLab](gitlab.md).",
    "",
  ];
  const sections = components.flatMap(({ name, about, inputs }) => [
    `## ${name}`,
    "",
    about,
    "",
    "| input | type | default | what it is |",
    "| --- | --- | --- | --- |",
    ...Object.entries(inputs).map(
      ([input, { type, description, options, ...rest }]) =>
        `| \`${input}\` | ${options === undefined ? type : options.map((each) => code(each)).join(", ")} | ${
          "default" in rest ? code(rest.default) : "none, needed"
        } | ${tableCell(description)} |`,
    ),
    "",
  ]);
  return `${[...head, ...sections].join("\n").trimEnd()}\n`;
}

function code(value: unknown): string {
  if (value === "") return "empty";
  const text = typeof value === "string" ? value.replaceAll("\n", " ⏎ ") : JSON.stringify(value);
  return `\`${tableCell(text)}\``;
}

/** A bar ends a cell, also within code. */
function tableCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
