import fc from "fast-check";
import { expect, test } from "vitest";
import { createsFiles, launchReferences } from "../../../src/kubefile/launch-references.ts";

const cases: readonly [command: string, reads: readonly string[]][] = [
  ["kubectl apply -f etc/a.yaml", ["file etc/a.yaml"]],
  ["kubectl -n shop apply --filename=a.yaml -f b/,./c.yaml", ["file a.yaml", "file b", "file c.yaml"]],
  ["kubectl create -f 'with space.yaml' --save-config", ["file with space.yaml"]],
  ["kubectl apply -k overlays/site && kubectl delete -f old.yaml", ["file overlays/site", "file old.yaml"]],
  ["kubectl apply -f -", []],
  ["kubectl apply -f /etc/a.yaml", []],
  ["kubectl apply -f ../a.yaml", []],
  ["kubectl apply -f $FILE -f a*.yaml -f $(NAME)/x.yaml -f `ls`", []],
  ["kubectl logs -f web-0", []],
  ["kubectl apply -f https://example.com/a.yaml", ["address https://example.com/a.yaml"]],
  ["kubectl get cm x -o yaml | sed -e 's/a/b/' | kubectl apply -f - -n kube-system", []],
  ["cat a.yaml | kubectl apply -f -; kubectl apply -f b.yaml", ["file b.yaml?"]],
  ["cd etc && kubectl apply -f a.yaml", ["file etc/a.yaml"]],
  ["cd etc; cd ../b && sh run.sh", ["file b/run.sh"]],
  ["cd $DIR && kubectl apply -f a.yaml", []],
  ["helm install shop charts/shop", ["chart charts/shop"]],
  [
    "helm upgrade -i shop charts/shop -n shop --create-namespace --set a.b=c,d=e -f values.yaml",
    ["chart charts/shop", "file values.yaml"],
  ],
  ["helm upgrade --install -n x --values=v/a.yaml db ./charts/db.tgz --wait", ["chart charts/db.tgz", "file v/a.yaml"]],
  ["helm install charts/shop --generate-name", ["chart charts/shop"]],
  ["helm template shop charts/shop | kubectl apply -f -", ["chart charts/shop"]],
  ["helm install db oci://registry.example/charts/db", ["address oci://registry.example/charts/db"]],
  ["helm install db db --repo https://charts.example.com", ["address https://charts.example.com"]],
  ["helm repo add a https://charts.example.com", ["address https://charts.example.com"]],
  ["helm repo update", ["address helm repo update"]],
  ["helm repo list", []],
  ["helm uninstall shop", []],
  ["sh scripts/init.sh && bash -x ./after.sh --all", ["file scripts/init.sh", "file after.sh"]],
  ["bash -o pipefail run.sh", ["file run.sh"]],
  ["sh -c 'kubectl apply -f a.yaml'", []],
  ["./bin/setup --yes", ["file bin/setup"]],
  ["MODE=a sudo env B=c sh run.sh", ["file run.sh"]],
  ["if [ -f a ]; then kubectl apply -f b.yaml; fi", ["file b.yaml"]],
  ["kubectl apply -f a.yaml > out.log 2>&1", ["file a.yaml"]],
  ["tar zxf charts.tgz && helm install a charts/a", ["chart charts/a?"]],
  ["curl -fsSL https://example.com/a.sh | sh", ["address https://example.com/a.sh"]],
  ["git clone https://example.com/a.git", ["address https://example.com/a.git"]],
  ["# kubectl apply -f a.yaml", []],
];

test.each(cases)("%s", (command, reads) => {
  const references = launchReferences(command);
  expect(references.map(({ kind, target, mayBeMade }) => `${kind} ${target}${mayBeMade ? "?" : ""}`)).toEqual(reads);
  for (const { start, end } of references) expect(command.slice(start, end).trim()).not.toBe("");
});

test("paths are relative to the directory a command runs in", () => {
  expect(launchReferences("sh run.sh", "application/apps/a").map(({ target }) => target)).toEqual([
    "application/apps/a/run.sh",
  ]);
});

test.each([
  ["tar xf a.tar", true],
  ["kubectl get nodes > nodes.txt", true],
  ["helm pull a --untar", true],
  ["A=b cp a b", true],
  ["kubectl apply -f a.yaml", false],
  ["echo 'a > b'", false],
] as const)("%s leaves files behind: %s", (command, expected) => {
  expect(createsFiles(command)).toBe(expected);
});

test("no text makes it fail", () => {
  const unit = fc.constantFrom(
    "kubectl ",
    "apply ",
    "-f ",
    "helm ",
    "install ",
    "sh ",
    "cd ",
    "a/b ",
    "'",
    '"',
    "\\",
    "$(",
    ")",
    "`",
    ">",
    "|",
    "&&",
    ";",
    "#",
    "\v\f",
    "\u00a0",
    "\n",
  );
  fc.assert(
    fc.property(fc.string({ unit }), (command) => {
      for (const { start, end } of launchReferences(command)) {
        expect(start).toBeLessThan(end);
        expect(end).toBeLessThanOrEqual(command.length);
      }
    }),
    { numRuns: 500 },
  );
});
