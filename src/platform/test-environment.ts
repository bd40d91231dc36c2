import { KubefileError } from "../error.ts";
import type { Environment } from "./platform.ts";

/**
 * What a test finds its tools and its repository by. Tokens, inputs, and the files by which steps command the runner are
 * not among them: a test is the code of whoever made the request.
 */
const passed = [
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TZ", "TMPDIR", "CI"],
  ...["GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_REF", "GITHUB_REF_NAME"],
  ...["RUNNER_OS", "RUNNER_ARCH", "RUNNER_TEMP", "RUNNER_TOOL_CACHE"],
  ...["GITLAB_CI", "CI_PROJECT_DIR", "CI_PROJECT_PATH", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME"],
];

/**
 * The environment of a preview's test: the ordinary variables, and those that the user names.
 *
 * @param named `NAME` takes this process's value, `NAME=VALUE` gives another
 * @throws KubefileError USAGE for what is no variable
 */
export function testEnvironment(env: Environment, named: readonly string[]): Record<string, string> {
  const given = named.map((text): [string, string | undefined] => {
    const equals = text.indexOf("=");
    const name = equals === -1 ? text : text.slice(0, equals);
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw new KubefileError("USAGE", `--test-env ${JSON.stringify(text)} is not the name of a variable`, {
        hint: "write --test-env NAME or --test-env NAME=VALUE",
      });
    }
    return [name, equals === -1 ? env[name] : text.slice(equals + 1)];
  });
  const all = [...passed.map((name): [string, string | undefined] => [name, env[name]]), ...given];
  return Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
