import { stat } from "node:fs/promises";
import { KubefileError } from "../error.ts";
import { parseReference } from "../oci/reference.ts";
import { parseForwardTarget } from "../pipeline/forward-target.ts";
import type { PreviewForward, PreviewOptions } from "../pipeline/preview.ts";
import { isOutside } from "../rootfs/contained-path.ts";
import { buildInputs, type HostFlags } from "./build-inputs.ts";
import { requireInCheckout } from "./checkout.ts";
import type { CommandContext } from "./context.ts";
import { absolute } from "./input-values.ts";
import type { Inputs, ValuesOf } from "./inputs.ts";
import { lastingInputs, lastingOptions } from "./lasting-inputs.ts";
import { launchInputs, launchSettings } from "./launch-inputs.ts";
import { parsePlatformInput } from "./platform-input.ts";
import { resolveBuild } from "./resolve-build.ts";
import { testEnvironment } from "./test-environment.ts";

/** What a preview has nothing to do with: the cluster of the rehearsal goes, and one without a launch shows nothing. */
const {
  keepCluster: _keep,
  capture: _capture,
  output: _output,
  metadataFile: _metadata,
  verify: _verify,
  platform: _platform,
  ...built
} = buildInputs;

/** `kubefile preview`, its action and its component: what a build and what a launch takes, and a test. */
export const previewInputs = {
  ...launchInputs,
  ...built,
  test: {
    kind: "text",
    value: "command",
    help: "a shell command to run here once all is up; KUBECONFIG and the variables of forwarded ports lead to it",
  },
  testTimeout: {
    kind: "duration",
    value: "time",
    default: "10m",
    help: "how long the test may take",
  },
  testEnv: {
    kind: "list",
    value: "name",
    help: "a variable that the test gets of this environment, NAME or NAME=VALUE",
  },
  portForward: {
    kind: "list",
    value: "target",
    jobName: "port-forwards",
    help: "a port for the test, [VARIABLE=][NAMESPACE/]KIND/NAME:PORT; svc/web:80 is told in WEB_URL",
  },
  ...lastingInputs,
  key: {
    kind: "text",
    value: "word",
    default: "preview",
    help: "tells the comment of this preview from those of others on the same request",
  },
  verdict: {
    kind: "path",
    value: "file",
    help: "write the verdict as JSON",
    only: ["command"],
  },
  comment: {
    kind: "path",
    value: "file",
    help: "write the comment as markdown",
    only: ["command"],
  },
} as const satisfies Inputs;

export type PreviewFlags = ValuesOf<typeof previewInputs>;

const TEST_TIMEOUT = 600_000;

/** @param subject a build context, which is a directory, or the name of a cluster image at a registry */
export async function resolvePreview(
  subject: string,
  flags: PreviewFlags,
  context: CommandContext,
): Promise<{ readonly options: PreviewOptions; readonly settings: HostFlags }> {
  const launch = await launchSettings(flags, context);
  const more = {
    lasting: await lastingOptions(flags, context),
    forwards: parseForwards(flags.portForward ?? []),
    test:
      flags.test === undefined
        ? undefined
        : {
            command: flags.test,
            directory: context.cwd,
            environment: testEnvironment(context.env, flags.testEnv ?? []),
            timeout: flags.testTimeout ?? TEST_TIMEOUT,
          },
  };
  const found = await stat(absolute(subject, context.cwd)).catch(() => undefined);
  if (found?.isDirectory() === true) {
    // The names that kubefile.yaml gives are those of the real thing: a preview takes none of them unasked.
    const own = {
      tag: [],
      push: false,
      output: [],
      ...flags,
      platform: flags.platform === undefined ? [] : [flags.platform],
    };
    const { checkout, options: build, settings } = await resolveBuild(subject, own, context);
    const values = launch.values.map(({ file }) => file).filter((file) => !isOutside(checkout, file));
    await requireInCheckout(checkout, values);
    const { nodeImage, kindConfig, runImage, quietWindow, timeout } = build;
    const same = { nodeImage, kindConfig, runImage, quietWindow, timeout };
    return { settings, options: { ...more, subject: { kind: "context", build }, launch: { ...launch, ...same } } };
  }
  // A name with neither registry nor tag nor digest is a misspelt directory rather than an image of docker.io.
  if (/^[./]/.test(subject) || !/[.:@]/.test(subject)) {
    throw new KubefileError("USAGE", `${subject} is not a directory`, {
      hint: "name a build context, or a cluster image at a registry: kubefile preview .",
    });
  }
  const reference = parseReference(subject);
  const platform = parsePlatformInput(flags.platform);
  return { settings: flags, options: { ...more, subject: { kind: "image", reference, platform }, launch } };
}

/** Each forward has a variable of its own. */
function parseForwards(words: readonly string[]): PreviewForward[] {
  const forwards = words.map((word): PreviewForward => {
    const equals = word.indexOf("=");
    const target = parseForwardTarget(word.slice(equals + 1));
    const fallback = `${target.name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_URL`.replace(/^(?=\d)/, "_");
    return { target, variable: equals === -1 ? fallback : word.slice(0, equals) };
  });
  for (const [position, { variable, target }] of forwards.entries()) {
    if (!/^[A-Z_][A-Z0-9_]*$/.test(variable)) {
      throw new KubefileError("USAGE", `--port-forward: ${JSON.stringify(variable)} is not the name of a variable`, {
        hint: "use capital letters, digits and underscores: WEB_URL=svc/web:80",
      });
    }
    if (forwards.findIndex((other) => other.variable === variable) === position) continue;
    throw new KubefileError("USAGE", `two ports are to be told in ${variable}`, {
      hint: `give one another name: --port-forward OTHER_URL=${target.shown}`,
    });
  }
  return forwards;
}
