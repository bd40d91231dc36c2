import { KubefileError } from "../error.ts";

/** Bytes of a dotenv report that every edition of GitLab takes. */
const LARGEST_FILE = 5 * 1024;

/**
 * One line of a dotenv report, by which a job hands a value to later ones. The form has no quotes and no escapes, and
 * what it holds becomes a variable of other jobs: a value with anything but the characters of references, digests, paths
 * and addresses is refused, as it could be a line of its own, or be expanded.
 *
 * @see https://docs.gitlab.com/ci/variables/dotenv_variables
 * @throws KubefileError PLATFORM
 */
export function dotenvLine(name: string, value: string): string {
  const variable = `KUBEFILE_${name.toUpperCase().replaceAll("-", "_")}`;
  if (/^[A-Z][A-Z0-9_]*$/.test(variable) && /^[\w./:@%+=,~#-]*$/.test(value)) return `${variable}=${value}\n`;
  throw new KubefileError("PLATFORM", `the output ${name} cannot be handed to later jobs: ${JSON.stringify(value)}`, {
    hint: "outputs hold letters, digits and ./:@%+=,~#_- alone; read --metadata-file where more is needed",
  });
}

/** The file with the line put in; a later value of a name replaces the earlier one. @throws KubefileError PLATFORM */
export function withDotenvLine(file: string, line: string): string {
  const name = line.slice(0, line.indexOf("=") + 1);
  const kept = file.split("\n").filter((each) => each !== "" && !each.startsWith(name));
  const text = [...kept, line.trimEnd(), ""].join("\n");
  if (Buffer.byteLength(text) <= LARGEST_FILE) return text;
  throw new KubefileError(
    "PLATFORM",
    `the outputs of this job take more than the ${LARGEST_FILE} bytes GitLab allows`,
    {
      hint: "read --metadata-file, kept as an artifact, in later jobs",
    },
  );
}
