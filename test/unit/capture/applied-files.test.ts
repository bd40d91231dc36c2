import { expect, it } from "vitest";
import { appliedFiles } from "../../../src/capture/applied-files.ts";

it.each([
  [
    "kubectl apply -f manifests/",
    "",
    ["manifests/a.yaml", "manifests/deep/b.yaml"],
    ["manifests2/a.yaml", "etc/a.yaml"],
  ],
  ["kubectl apply -f etc/operator.yaml", "", ["etc/operator.yaml"], ["etc/other.yaml"]],
  ["kubectl apply -fetc/a.yaml,etc/b.yaml", "", ["etc/a.yaml", "etc/b.yaml"], ["etc/c.yaml"]],
  ["kubectl create --filename=./etc/a.yaml", "", ["etc/a.yaml"], []],
  ["kubectl apply -f 'manifests/*.yaml'", "", ["manifests/a.yaml"], ["manifests/deep/a.yaml"]],
  ["kubectl apply -f .", "application/apps/web", ["application/apps/web/x.yaml"], ["manifests/a.yaml"]],
  ["cd etc && kubectl apply -f a.yaml", "", ["etc/a.yaml"], ["a.yaml"]],
  [
    "helm upgrade --install shop charts/shop -f values/prod.yaml",
    "",
    ["charts/shop/templates/a.yaml", "values/prod.yaml"],
    ["charts/other/a.yaml"],
  ],
  ["kubectl apply -k overlays/prod", "", [], ["overlays/prod/a.yaml"]],
  ["cat manifests/a.yaml", "", [], ["manifests/a.yaml"]],
  ["kubectl apply -f https://example.com/manifests/a.yaml", "", [], ["manifests/a.yaml"]],
  ["sed s/x/y/ etc/a.yaml | kubectl apply -f -", "", [], ["etc/a.yaml"]],
])("%s (in %j)", (command, directory, applied, others) => {
  const applies = appliedFiles([{ command, directory }]);
  expect(applied.filter((file) => !applies(file))).toEqual([]);
  expect(others.filter(applies)).toEqual([]);
});
