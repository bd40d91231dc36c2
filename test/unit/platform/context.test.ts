import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { directories } from "../../../src/platform/context.ts";
import { commandContext } from "../cli/command.ts";

test.each([
  [{}, "/home/me/.cache/kubefile", "/home/me/.local/state/kubefile"],
  [{ XDG_CACHE_HOME: "/c", XDG_STATE_HOME: "/s" }, "/c/kubefile", "/s/kubefile"],
  // Would be made in the context that is being built.
  [{ XDG_CACHE_HOME: "c", XDG_STATE_HOME: "./s" }, "/home/me/.cache/kubefile", "/home/me/.local/state/kubefile"],
])("our directories with %j are those of the XDG standard", (env, cache, state) => {
  const { store, tools, ...others } = directories(
    commandContext({ cwd: "/context", env: { HOME: "/home/me", ...env } }),
    undefined,
  );
  expect([store, tools, others.state, others.failures]).toEqual([
    `${cache}/store`,
    `${cache}/tools`,
    `${state}/runs`,
    `${state}/failures`,
  ]);
});

test.each(["", "relative/home"])("without a home by HOME=%j the system tells where it is", (home) => {
  const { store } = directories(commandContext({ cwd: "/context", env: { HOME: home } }), undefined);
  expect(store).toBe(`${userInfo().homedir}/.cache/kubefile/store`);
});
