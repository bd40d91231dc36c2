import { expect, test } from "vitest";
import { takeEnvironment, withoutHidden } from "../../../src/platform/hidden-variables.ts";

test("secrets that a CI system hands over are for this process alone", () => {
  const secret = {
    KUBEFILE_REGISTRY_AUTHS: "a",
    KUBEFILE_GITLAB_TOKEN: "b",
    KUBEFILE_GITHUB_TOKEN: "h",
    CI_JOB_TOKEN: "g",
    CI_REGISTRY_PASSWORD: "g",
    "INPUT_REGISTRY-AUTHS": "c",
    "INPUT_GITHUB-TOKEN": "d",
    ACTIONS_RUNTIME_TOKEN: "e",
    STATE_run: "f",
    KUBEFILE_INPUT_SECRETS: "h",
  };
  const open = { PATH: "/bin", HOME: "/root", AWS_PROFILE: "ci", KUBEFILE_TOOLS: "/tools" };
  const variables: NodeJS.ProcessEnv = { ...secret, ...open };
  expect(withoutHidden(variables)).toEqual(open);
  expect(takeEnvironment(variables)).toEqual({ ...secret, ...open });
  expect(variables).toEqual(open);
});
