import { expect, test } from "vitest";
import { privilegeRefusal } from "../../../src/cluster/privileges.ts";

test.each([
  "docker: Error response from daemon: privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode.",
  "docker: Error response from daemon: authorization denied by plugin opa-docker-authz: request rejected by administrative policy.",
  'ERROR: failed to create cluster: running kind with rootless provider requires setting systemd property "Delegate=yes", see https://kind.sigs.k8s.io/docs/user/rootless/',
])("an engine without privileges is told as what the machine lacks: %s", (words) => {
  const error = privilegeRefusal(`Command Output:\n${words}\nStack Trace:\n`);
  expect(error).toMatchObject({ code: "ENGINE_MISSING", exitCode: 3, hint: expect.stringContaining("capture static") });
  expect(error?.message).toContain(words);
});

test.each(["", "docker: Error response from daemon: Conflict.", "kubeadm: [preflight] error: memory"])(
  "what else goes wrong does not: %j",
  (words) => {
    expect(privilegeRefusal(words)).toBeUndefined();
  },
);
